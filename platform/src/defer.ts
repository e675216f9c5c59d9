import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLNonNull,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';

/** `@defer`, as the working draft of incremental delivery has it: https://github.com/graphql/graphql-spec/pull/742. */
export const deferDirective = new GraphQLDirective({
  name: 'defer',
  description:
    'Lets the rest of the answer go ahead: a client that accepts `multipart/mixed; deferSpec=20220824` gets what is selected here in a later part. Queries only; any other answer is whole.',
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: {
    label: { type: GraphQLString, description: 'Tells the part from others: it is sent along with it.' },
    if: {
      type: new GraphQLNonNull(GraphQLBoolean),
      defaultValue: true,
      description: 'Where it is false, the fields come with the rest.',
    },
  },
});

/** A schema whose clients may use `@defer`. */
export function withDefer(schema: GraphQLSchema): GraphQLSchema {
  const { directives, ...config } = schema.toConfig();
  return new GraphQLSchema({ ...config, directives: [...directives, deferDirective] });
}
