/**
 * What Apollo's planner plans wrongly in the graph of the library, also without `@defer`: the stock gateway's answer is then none to go by. In
 * `planner-faults.test.ts` each can be seen. The compiled form of an operation runs the plan as it is, and so answers as the stock gateway does.
 */
export const misplanned = {
  fields: new Set([
    // Requires a field of one type behind an interface, and whatever else is asked of the interface there is asked of objects of that type only.
    'summary',
    // Required with an argument, of which there is no word in the representation. The value that the client asked for may be taken.
    'weight',
    // Of an interface object: with one argument for one type and another one for another type, both are asked with the first.
    'popularity',
    // Where two fields require one that itself requires others, one of them is given what was asked for without these.
    'priceByPost',
  ]),
  /** As with `popularity`, which cannot be asked without. */
  arguments: new Set(['reviews']),
};
