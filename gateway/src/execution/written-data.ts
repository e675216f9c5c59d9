import type { ApolloServerOptions } from '@apollo/server';

/** The `data` of an answer whose text is there already. Whoever looks into it finds nothing; whoever makes JSON of it gets it whole. */
export class WrittenData {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** Makes the text of an answer as Apollo Server does, without reading and writing again what is written. */
export const stringifyResult: NonNullable<ApolloServerOptions<object>['stringifyResult']> = (result) => {
  const { data } = result as { data?: unknown };
  if (!(data instanceof WrittenData)) return `${JSON.stringify(result)}\n`;
  const parts = Object.entries(result).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [`${JSON.stringify(key)}:${value === data ? data.text : JSON.stringify(value)}`];
  });
  return `{${parts.join(',')}}\n`;
};
