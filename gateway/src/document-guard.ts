import { SoukError } from '@souk/platform/errors';
import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';

/**
 * Words. The *expanded* document is what a client asks for once every fragment stands wherever it is spread; a short text can expand to more than any
 * machine could read. A *measure* says how much a selection expands to. It is computed without expanding: each fragment is measured once, and its measure is
 * added wherever it is spread, so a document takes time in proportion to its text.
 */
export interface DocumentLimits {
  /** Tokens of the text, punctuation and names alike, counted before it is parsed. */
  tokens: number;
  /** Characters of one name or alias: an answer repeats it for every item of a list. */
  nameLength: number;
  /** Expanded fields and fragments, over all operations of the document. */
  selections: number;
  /** Fields within fields. */
  depth: number;
  /** The same for a document that asks for nothing but the schema: the query every explorer sends is 15 deep. */
  introspectionDepth: number;
  /** Expanded aliases. */
  aliases: number;
  /** Expanded fields of the query, mutation or subscription itself. */
  rootFields: number;
  /** Expanded directives. */
  directives: number;
  /** Expanded fragments with @defer. */
  deferredFragments: number;
  /** Expanded root fields that the schema marks @sensitive. */
  sensitiveFields: number;
  /** Expanded `__schema` fields: each may answer with the whole schema, and explorers send one. */
  schemaFields: number;
  /** Expanded `__type` fields: tools that find out what a server can introspect send up to seven. */
  typeFields: number;
}

export const defaultDocumentLimits: DocumentLimits = {
  tokens: 1_000,
  nameLength: 100,
  selections: 1_000,
  depth: 12,
  introspectionDepth: 20,
  aliases: 15,
  rootFields: 10,
  directives: 20,
  deferredFragments: 10,
  sensitiveFields: 1,
  schemaFields: 1,
  typeFields: 7,
};

/**
 * Refuses a parsed document that asks for too much, before anything looks at it that takes more time than reading it: validation, planning, execution.
 * A fragment that contains itself is refused here too, because measuring it would have no end.
 *
 * @param sensitiveFields names of root fields that try a secret, send a mail or move money
 * @throws {SoukError} OPERATION_LIMIT_EXCEEDED, or GRAPHQL_VALIDATION_FAILED for a fragment without end. The limits themselves are never told.
 */
export function guardDocument(
  { definitions }: DocumentNode,
  limits: DocumentLimits,
  sensitiveFields: ReadonlySet<string>,
): void {
  const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const ofOperation = createMeasure(fragments, limits, sensitiveFields);
  hold(together(operations.map(ofOperation)), limits);
}

/** Brackets within brackets of any kind. The parser goes down as many calls for each, and its stack must not end before its text does. */
const MAX_NESTING = 200;
const nesting: Partial<Record<TokenKind, number>> = {
  [TokenKind.BRACE_L]: 1,
  [TokenKind.BRACKET_L]: 1,
  [TokenKind.PAREN_L]: 1,
  [TokenKind.BRACE_R]: -1,
  [TokenKind.BRACKET_R]: -1,
  [TokenKind.PAREN_R]: -1,
};

/**
 * Counts the tokens of a text that is yet to be parsed, and reads no further than to the first one too many or too deep.
 *
 * @throws {SoukError} OPERATION_LIMIT_EXCEEDED
 * @throws {GraphQLError} where the parser would, for characters that are no GraphQL
 */
export function countTokens(text: string, { tokens: limit }: DocumentLimits): number {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  let depth = 0;
  while (lexer.advance().kind !== TokenKind.EOF) {
    if (++count > limit) throw tooMuch('tokens');
    depth += nesting[lexer.token.kind] ?? 0;
    if (depth > MAX_NESTING) throw tooMuch('depth');
  }
  return count;
}

interface Measure {
  selections: number;
  depth: number;
  aliases: number;
  directives: number;
  deferredFragments: number;
  /** Fields at the top of the selection, whatever fragments they come from. */
  topFields: number;
  sensitiveFields: number;
  schemaFields: number;
  typeFields: number;
  /** Whether nothing at the top of the selection is a field of the shop. */
  onlyIntrospects: boolean;
}

const nothing: Measure = {
  selections: 0,
  depth: 0,
  aliases: 0,
  directives: 0,
  deferredFragments: 0,
  topFields: 0,
  sensitiveFields: 0,
  schemaFields: 0,
  typeFields: 0,
  onlyIntrospects: true,
};

function createMeasure(
  definitions: FragmentDefinitionNode[],
  limits: DocumentLimits,
  sensitiveFields: ReadonlySet<string>,
) {
  const fragments = new Map(definitions.map((fragment) => [fragment.name.value, fragment]));
  const known = new Map<string, Measure>();
  const underWay = new Set<string>();

  const ofOperation = ({ selectionSet, directives, variableDefinitions }: OperationDefinitionNode): Measure =>
    together([
      ofSelections(selectionSet),
      withDirectives({ directives }),
      ...(variableDefinitions ?? []).map(withDirectives),
    ]);

  function ofSelections({ selections }: SelectionSetNode): Measure {
    return together(selections.map(ofSelection));
  }

  function ofSelection(selection: SelectionNode): Measure {
    const own = { ...withDirectives(selection), selections: 1 };
    if (selection.kind === Kind.INLINE_FRAGMENT) return together([own, ofSelections(selection.selectionSet)]);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = fragments.get(selection.name.value);
      // Validation says what is wrong with a fragment that is not there.
      return fragment ? together([own, ofFragment(fragment)]) : own;
    }
    const { name, alias, selectionSet } = selection;
    if (name.value.length > limits.nameLength || (alias && alias.value.length > limits.nameLength)) {
      throw tooMuch('nameLength');
    }
    const inside = selectionSet ? ofSelections(selectionSet) : nothing;
    return {
      selections: 1 + inside.selections,
      depth: 1 + inside.depth,
      aliases: (alias ? 1 : 0) + inside.aliases,
      directives: own.directives + inside.directives,
      deferredFragments: inside.deferredFragments,
      topFields: 1,
      sensitiveFields: sensitiveFields.has(name.value) ? 1 : 0,
      schemaFields: name.value === '__schema' ? 1 : 0,
      typeFields: name.value === '__type' ? 1 : 0,
      onlyIntrospects: name.value.startsWith('__'),
    };
  }

  function ofFragment(fragment: FragmentDefinitionNode): Measure {
    const name = fragment.name.value;
    const measured = known.get(name);
    if (measured) return measured;
    if (underWay.has(name)) throw endless(name);
    underWay.add(name);
    const measure = together([withDirectives(fragment), ofSelections(fragment.selectionSet)]);
    underWay.delete(name);
    known.set(name, measure);
    return measure;
  }

  return ofOperation;
}

function withDirectives({ directives = [] }: { directives?: readonly DirectiveNode[] | undefined }): Measure {
  const deferred = directives.filter(({ name }) => name.value === 'defer');
  return { ...nothing, directives: directives.length, deferredFragments: deferred.length };
}

/** What stands side by side adds up, but for depth, which is that of the deepest. */
function together(measures: Measure[]): Measure {
  const total = { ...nothing };
  for (const measure of measures) {
    total.selections += measure.selections;
    total.depth = Math.max(total.depth, measure.depth);
    total.aliases += measure.aliases;
    total.directives += measure.directives;
    total.deferredFragments += measure.deferredFragments;
    total.topFields += measure.topFields;
    total.sensitiveFields += measure.sensitiveFields;
    total.schemaFields += measure.schemaFields;
    total.typeFields += measure.typeFields;
    total.onlyIntrospects &&= measure.onlyIntrospects;
  }
  return total;
}

function hold(measure: Measure, limits: DocumentLimits): void {
  if (measure.selections > limits.selections) throw tooMuch('selections');
  if (measure.depth > (measure.onlyIntrospects ? limits.introspectionDepth : limits.depth)) throw tooMuch('depth');
  if (measure.aliases > limits.aliases) throw tooMuch('aliases');
  if (measure.topFields > limits.rootFields) throw tooMuch('rootFields');
  if (measure.directives > limits.directives) throw tooMuch('directives');
  if (measure.deferredFragments > limits.deferredFragments) throw tooMuch('deferredFragments');
  if (measure.sensitiveFields > limits.sensitiveFields) throw tooMuch('sensitiveFields');
  if (measure.schemaFields > limits.schemaFields) throw tooMuch('schemaFields');
  if (measure.typeFields > limits.typeFields) throw tooMuch('typeFields');
}

const complaints: Record<Exclude<keyof DocumentLimits, 'introspectionDepth'>, string> = {
  tokens: 'The document is too long. Split it into several.',
  nameLength: 'The document has a name that is too long. Use a shorter alias.',
  selections:
    'The document selects too much, counting fragments wherever they are spread. Select less, or split it into several.',
  depth: 'The document is nested too deeply. Ask for what is further inside by its id.',
  aliases:
    'The document has too many aliases. Ask for several objects by one field, or split it into several documents.',
  rootFields: 'The document has too many root fields. Split it into several.',
  directives: 'The document has too many directives. Use fewer.',
  deferredFragments:
    'The document defers too many fragments. Defer what is slow, in one fragment where it may come together.',
  sensitiveFields:
    'The document asks for more than one field that tries a secret, sends a mail or moves money. Send each in a document of its own.',
  schemaFields: 'The document asks for the whole schema several times. Ask for it by one __schema field.',
  typeFields:
    'The document asks for too many types of the schema by their names. Ask for them all by one __schema field.',
};

function tooMuch(limit: keyof typeof complaints): SoukError {
  return new SoukError('OPERATION_LIMIT_EXCEEDED', complaints[limit]);
}

function endless(fragment: string): SoukError {
  return new SoukError('GRAPHQL_VALIDATION_FAILED', `Expected fragments to end, but "${fragment}" contains itself.`);
}
