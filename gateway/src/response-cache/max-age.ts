import { fragmentsOf } from '@souk/platform/cost';
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getDirectiveValues,
  getNamedType,
  isCompositeType,
  isObjectType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';

/** How many seconds an answer to an operation may be kept for everybody; 0 for not at all. Ask for valid documents only. */
export type MaxAge = (document: DocumentNode, operation: OperationDefinitionNode) => number;

/**
 * Reads from the schema how long answers may be kept: as long as the shortest that the fields they show allow, by Apollo's rules
 * (https://www.apollographql.com/docs/apollo-server/performance/caching#default-maxage), and not at all when anything in them is not for everybody.
 * What `@skip` and `@include` might leave out counts, so one document has one age.
 *
 * @param schema the supergraph, whose coordinates carry `@cacheControl` and say who may read them
 */
export function createMaxAge(schema: GraphQLSchema): MaxAge {
  const query = schema.getQueryType();
  const directive = schema.getDirective('cacheControl');
  const hintOf = ({ astNode }: Marked): Hint => (directive && astNode && getDirectiveValues(directive, astNode)) ?? {};

  function allowedBy(parent: GraphQLCompositeType, { name: { value: name } }: FieldNode): number {
    if (name === '__typename') return Number.POSITIVE_INFINITY;
    // Nothing else can be asked of a union.
    if (isUnionType(parent)) return 0;
    const field = parent.getFields()[name];
    if (!field || !isForEverybody(parent, field)) return 0;
    const type = getNamedType(field.type);
    const needsWord = parent === query || isCompositeType(type);
    return ageOf(hintOf(field)) ?? ageOf(hintOf(type)) ?? (needsWord ? 0 : Number.POSITIVE_INFINITY);
  }

  return (document, operation) => {
    if (operation.operation !== OperationTypeNode.QUERY || !query) return 0;
    const fragments = fragmentsOf(document);
    const spread = new Set<string>();
    const shortest = shortestIn(operation.selectionSet, query);
    return Number.isFinite(shortest) ? shortest : 0;

    function shortestIn({ selections }: SelectionSetNode, parent: GraphQLCompositeType): number {
      return Math.min(
        ...selections.map((selection) => {
          if (selection.kind === Kind.FIELD) return shortestOf(selection, parent);
          if (selection.kind === Kind.INLINE_FRAGMENT) {
            return shortestIn(selection.selectionSet, typeNamed(selection.typeCondition?.name.value) ?? parent);
          }
          const fragment = fragments.get(selection.name.value);
          // Each is looked at once, whatever it is spread in: its type is its own.
          if (!fragment || spread.has(selection.name.value)) return Number.POSITIVE_INFINITY;
          spread.add(selection.name.value);
          return shortestIn(fragment.selectionSet, typeNamed(fragment.typeCondition.name.value) ?? parent);
        }),
      );
    }

    function shortestOf(field: FieldNode, parent: GraphQLCompositeType): number {
      const own = allowedBy(parent, field);
      if (own === 0 || !field.selectionSet || isUnionType(parent)) return own;
      const type = getNamedType(parent.getFields()[field.name.value]?.type);
      return isCompositeType(type) ? Math.min(own, shortestIn(field.selectionSet, type)) : own;
    }
  };

  function typeNamed(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}

type Marked = GraphQLField<unknown, unknown> | GraphQLNamedType;

interface Hint {
  maxAge?: number;
  inheritMaxAge?: boolean;
}

function ageOf({ maxAge, inheritMaxAge }: Hint): number | undefined {
  return maxAge ?? (inheritMaxAge ? Number.POSITIVE_INFINITY : undefined);
}

/** What says that something depends on who asks. */
const privateMarks = ['owned', 'authenticated', 'requiresScopes', 'inaccessible'];

/**
 * Whether a field is the same for everybody, in the schema's own words: a field's outweigh its type's. Of a type that several subgraphs contribute to, the
 * supergraph has the words of all of them, and one that keeps something back counts for the whole. Value types are guarded by what leads to them.
 */
function isForEverybody(
  parent: GraphQLObjectType | GraphQLInterfaceType,
  field: GraphQLField<unknown, unknown>,
): boolean {
  const [own, inherited] = [marksOf(field), marksOf(parent)];
  if (own.some(({ name }) => privateMarks.includes(name.value))) return false;
  if (own.some(({ name }) => name.value === 'public')) return true;
  if (inherited.some(({ name }) => privateMarks.includes(name.value))) return false;
  return inherited.some(({ name }) => name.value === 'public') || !isEntrance(parent, inherited);
}

function marksOf({ astNode }: Marked): readonly DirectiveNode[] {
  return astNode?.directives ?? [];
}

/** Whether a request can begin here: at a root, or at an entity, which has a key. */
function isEntrance(type: GraphQLCompositeType, marks: readonly DirectiveNode[]): boolean {
  return (
    ['Query', 'Mutation', 'Subscription'].includes(type.name) ||
    (isObjectType(type) &&
      marks.some(
        ({ name, arguments: given = [] }) =>
          name.value === 'join__type' && given.some((each) => each.name.value === 'key'),
      ))
  );
}
