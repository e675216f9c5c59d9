import type { EventHandlers } from '@souk/platform/events';

/** This subgraph states facts and listens to nobody's. */
export const events = {} satisfies EventHandlers<'user'>;
