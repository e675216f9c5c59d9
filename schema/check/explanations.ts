/** What a code of composition means to somebody who has never seen it, why it usually comes up, and what to do. */
export interface Explanation {
  cause: string;
  fix: string;
}

/**
 * By code of https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/errors and, at the end, of hints
 * (https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/hints), which count as errors here.
 */
export const explanations: Readonly<Record<string, Explanation>> = {
  INVALID_GRAPHQL: {
    cause:
      'The SDL is no valid GraphQL: a type is misspelt or missing, a name is defined twice, or an interface is not fully implemented.',
    fix: 'Correct the definition that the message names; a type of another subgraph needs a stub here before it can be returned.',
  },
  FIELD_TYPE_MISMATCH: {
    cause:
      'Two subgraphs define the same field with different types, often because one was changed and the other forgotten.',
    fix: 'Give the field one type in both, or one of them another name. Only nullability may differ.',
  },
  FIELD_ARGUMENT_TYPE_MISMATCH: {
    cause: 'Two subgraphs define the same argument or input field with different types.',
    fix: 'Give it one type in both.',
  },
  INVALID_FIELD_SHARING: {
    cause: 'Two subgraphs answer the same field, and neither has said that this is meant.',
    fix: 'Let one subgraph own it and take it out of the other. Only values that are the same wherever they come from are @shareable, in every subgraph that has them. To move it, use @override(from: …).',
  },
  SATISFIABILITY_ERROR: {
    cause:
      'A client could ask for a field that no chain of subgraphs can find: usually an entity lacks a @key, or its stub says resolvable: false where somebody has to go on.',
    fix: 'Give the type a @key that both subgraphs have, and resolve it in the subgraph that owns the field.',
  },
  EXTERNAL_UNUSED: {
    cause: 'A field is marked @external, but no @key, @requires or @provides needs it.',
    fix: 'Take the field out of this subgraph, or name it in the @requires it was meant for.',
  },
  EXTERNAL_MISSING_ON_BASE: {
    cause: 'A field is @external here, and no other subgraph has it: it was removed or renamed by its owner.',
    fix: 'Bring it back in the subgraph that owns it, or take @external and what needs it out here.',
  },
  EXTERNAL_TYPE_MISMATCH: {
    cause: 'The copy of a field that is marked @external has another type than the field of its owner.',
    fix: 'Copy the type of the owner, nullability included.',
  },
  KEY_INVALID_FIELDS: {
    cause: 'A @key names a field that the type does not have in this subgraph, or is not a valid selection.',
    fix: 'Add the field to the type here, or correct the name in @key(fields: …).',
  },
  KEY_FIELDS_SELECT_INVALID_TYPE: {
    cause: 'A @key names a list, an interface or a union.',
    fix: 'Key on scalars, or on the scalar fields of a nested object.',
  },
  REQUIRES_INVALID_FIELDS: {
    cause: 'A @requires names a field that the type does not have in this subgraph.',
    fix: 'Add the field here, marked @external, with the type its owner gives it.',
  },
  REQUIRES_FIELDS_MISSING_EXTERNAL: {
    cause: 'A @requires names a field that this subgraph answers itself.',
    fix: 'Mark the field @external here, or drop the @requires.',
  },
  PROVIDES_INVALID_FIELDS: {
    cause: 'A @provides names a field that the returned type does not have in this subgraph.',
    fix: 'Add the field to the returned type here, marked @external.',
  },
  PROVIDES_FIELDS_MISSING_EXTERNAL: {
    cause: 'A @provides names a field that this subgraph answers anyway.',
    fix: 'Mark the field @external here, or drop the @provides.',
  },
  TYPE_KIND_MISMATCH: {
    cause: 'One name stands for different kinds of types in two subgraphs, such as an enum and an object.',
    fix: 'Rename one of them.',
  },
  ENUM_VALUE_MISMATCH: {
    cause: 'An enum that is both sent and received has a value in one subgraph that another does not know.',
    fix: 'Define the same values in all subgraphs that have the enum; deploy the one that learns a value first.',
  },
  EMPTY_MERGED_ENUM_TYPE: {
    cause: 'An enum that is only sent keeps the values all subgraphs have, and they have none in common.',
    fix: 'Define the same values in all of them.',
  },
  EMPTY_MERGED_INPUT_TYPE: {
    cause: 'An input type keeps the fields all subgraphs have, and they have none in common.',
    fix: 'Define the same fields in all of them, or give one of the types another name.',
  },
  REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH: {
    cause: 'An argument is required in one subgraph and missing in another that has the same field.',
    fix: 'Add it to the field in every subgraph, or make it nullable.',
  },
  REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH: {
    cause: 'An input field is required in one subgraph and missing in another that has the same input type.',
    fix: 'Add it in every subgraph, or make it nullable.',
  },
  INTERFACE_FIELD_NO_IMPLEM: {
    cause: 'A subgraph gave an interface a field that the same type lacks in another subgraph.',
    fix: 'Add the field to every type that implements the interface, in the subgraph that answers for it.',
  },
  EXTENSION_WITH_NO_BASE: {
    cause: 'A type is extended here and defined nowhere: its owner removed or renamed it.',
    fix: 'Correct the name, or define the type in the subgraph that owns it.',
  },
  REFERENCED_INACCESSIBLE: {
    cause:
      'Something that clients see returns or takes a type that they do not see: it is @inaccessible, or its tag is hidden in this contract.',
    fix: 'Hide the field that refers to it in the same way, or show the type.',
  },
  REQUIRED_INACCESSIBLE: {
    cause: 'A required argument or input field is hidden from clients who could not do without it.',
    fix: 'Make it nullable or give it a default, or hide what needs it.',
  },
  ONLY_INACCESSIBLE_CHILDREN: {
    cause: 'Every field or value of a type is hidden, and the type itself is not.',
    fix: 'Hide the type in the same way.',
  },
  IMPLEMENTED_BY_INACCESSIBLE: {
    cause: 'A hidden field is one that an interface, which clients see, promises.',
    fix: 'Hide the field of the interface too, or show this one.',
  },
  INVALID_LINK_DIRECTIVE_USAGE: {
    cause: 'An @link is malformed or names the same feature twice.',
    fix: 'Compare it with the @link of another subgraph; the common part is the same in all.',
  },
  DIRECTIVE_DEFINITION_INVALID: {
    cause: 'A directive is defined by hand in another way than its specification does, or than another subgraph.',
    fix: 'Import it by @link instead of defining it, and let every subgraph link the same version.',
  },
  DIRECTIVE_COMPOSITION_ERROR: {
    cause:
      'A custom directive that is to be handed to the gateway differs between subgraphs, or is not imported by @link.',
    fix: 'Link the same version in every subgraph, and name it in @composeDirective.',
  },
  OVERRIDE_FROM_SELF_ERROR: {
    cause: 'An @override takes a field over from the subgraph it stands in.',
    fix: 'Name the subgraph that answers it until now.',
  },
  OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE: {
    cause: 'A field is moved with @override while it is @external, @requires or @provides there.',
    fix: 'Take those directives out of the subgraph it moves from first.',
  },
  SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES: {
    cause: 'A shared field returns an interface or union whose possible types differ between subgraphs.',
    fix: 'Let one subgraph answer it.',
  },
  NO_QUERIES: {
    cause: 'No subgraph has a root query field.',
    fix: 'Define at least one field of Query.',
  },
  AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE: {
    cause: '@authenticated or @requiresScopes stands on an interface.',
    fix: 'Put it on the fields of the types that implement it.',
  },
  MISSING_TRANSITIVE_AUTH_REQUIREMENTS: {
    cause:
      'A field needs, by @requires, what is guarded, and is not guarded itself: it would tell what the guard keeps secret.',
    fix: 'Give it the same guard.',
  },
  LIST_SIZE_INVALID_SLICING_ARGUMENT: {
    cause: 'A @listSize names an argument the field does not have, or one that is no Int.',
    fix: 'Correct slicingArguments.',
  },
  LIST_SIZE_INVALID_SIZED_FIELD: {
    cause: 'A @listSize names a field the returned type does not have, or one that is no list.',
    fix: 'Correct sizedFields.',
  },
  LIST_SIZE_APPLIED_TO_NON_LIST: {
    cause: 'A @listSize stands on a field that returns no list, and names no sizedFields.',
    fix: 'Take it away, or name the fields that are sized.',
  },
  INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE: {
    cause: 'A field can be null in one subgraph and not in another: clients get the weaker promise.',
    fix: 'Give it the same nullability in both.',
  },
  INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE: {
    cause:
      'An argument or input field is required in one subgraph and not in another: clients meet the stronger demand.',
    fix: 'Give it the same nullability in both.',
  },
  INCONSISTENT_DESCRIPTION: {
    cause: 'One thing is described differently in two subgraphs, and clients see only one of the texts.',
    fix: 'Describe it with the same words in both.',
  },
  INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM: {
    cause: 'A value of an enum that is sent exists in one subgraph only, so clients cannot use it.',
    fix: 'Define it in every subgraph that has the enum.',
  },
  INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM: {
    cause: 'A value of an enum that is received exists in one subgraph only.',
    fix: 'Define it in every subgraph that has the enum.',
  },
  INCONSISTENT_OBJECT_VALUE_TYPE_FIELD: {
    cause:
      'A value type has a field in one subgraph that it lacks in another: some ways to it cannot answer the field.',
    fix: 'Define it alike in every subgraph.',
  },
  INCONSISTENT_INPUT_OBJECT_FIELD: {
    cause: 'An input field exists in one subgraph only, so clients cannot use it.',
    fix: 'Define it in every subgraph that has the input type.',
  },
  INCONSISTENT_ARGUMENT_PRESENCE: {
    cause: 'An argument exists in one subgraph only, so clients cannot use it.',
    fix: 'Define it in every subgraph that answers the field.',
  },
  UNUSED_ENUM_TYPE: {
    cause: 'An enum is defined and no field or argument is of it.',
    fix: 'Use it or take it away.',
  },
};

const unknown: Explanation = {
  cause: 'The subgraphs do not agree with one another at this place.',
  fix: 'Compare its definition in the subgraphs that the message names.',
};

export function explain(code: string): Explanation {
  return explanations[code] ?? unknown;
}
