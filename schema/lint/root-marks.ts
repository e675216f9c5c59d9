import { directive, type Graph, isRoot } from './graph.ts';

/** The gateway looks for these marks on root fields; anywhere else they would promise a protection that nobody gives. */
const marks = ['sensitive', 'reserved'];

export function rootMarkRule({ places }: Graph): string[] {
  return places
    .filter(({ type }) => !isRoot(type))
    .flatMap(({ field, at }) =>
      marks
        .filter((mark) => directive(field, mark))
        .map((mark) => `${at} is no root field, so @${mark} says nothing there.`),
    );
}
