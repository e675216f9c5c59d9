import { guardsOf } from '@souk/platform/access';
import { newId } from '@souk/platform/id';
import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import { getNamedType, parse } from 'graphql';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { Client } from '../client.ts';
import { askSubgraph, gatewayFor } from './as-gateway.ts';
import { eachField, everythingOwned, ownedEntities, ownedNodes, representationOf, waysToOwned } from './entities.ts';
import { none, operations } from './operations.ts';
import type { Reply } from './reply.ts';
import { ask } from './request.ts';
import { nobodyLike, PRIVATE, type Scene, setScene, type Victim } from './scene.ts';

/**
 * Whichever way a stranger goes to something of somebody else, the answer is the one about something that has never been. Each way is asked for the victim's own
 * and for nobody's, and its owner goes it too: a way that shows nothing to anybody would prove nothing.
 */

const { adminUrl } = inject('shop');
const reading = ['user:read', 'order:read', 'payment:read'];
const allScopes = subgraphNames.flatMap((name) =>
  [...guardsOf(parse(readSubgraphSdl(name))).values()].flatMap((guard) =>
    guard.kind === 'scopes' ? guard.anyOf.flat() : [],
  ),
);

let scene: Scene;
let nobody: Victim;
beforeAll(async () => {
  scene = await setScene();
  nobody = nobodyLike(scene.victim);
});

/** Strangers at a subgraph: what the gateway says of whom it asks for. */
const strangersInside = {
  'by nobody': () => null,
  'by another customer': () => ({ userId: scene.stranger.userId, sessionId: newId('Session') }),
  'by staff who may do everything but read it': () => ({
    userId: scene.staff.CATALOG_MANAGER.userId,
    sessionId: newId('Session'),
    roles: ['CUSTOMER', 'CATALOG_MANAGER'],
    scopes: new Set(allScopes.filter((scope) => !reading.includes(scope))),
  }),
};

describe.each(
  ownedEntities.map((entity) => ({ ...entity, name: `${entity.type.name} by its ${entity.key.join(' and ')}` })),
)('$name, asked of $subgraph', (entity) => {
  const selections = eachField(entity.type, entity.key).map(
    (field, index) =>
      `f${index}: _entities(representations: $of) { __typename ... on ${entity.type.name} { ${field} } }`,
  );
  const query = `query ($of: [_Any!]!) { ${selections.join(' ')} }`;
  const about = async (as: Parameters<typeof gatewayFor>[1], victim: Victim) =>
    told(
      await askSubgraph(entity.subgraph, await gatewayFor(entity.subgraph, as), query, {
        of: [representationOf(entity, victim)],
      }),
      victim,
    );

  it('names a victim', () => {
    expect(Object.keys(representationOf(entity, scene.victim))).toEqual(['__typename', ...entity.key]);
  });

  // Where nothing but the key is known there is nothing to learn.
  if (selections.length === 0) return;

  it.each(Object.entries(strangersInside))('%s', async (_, stranger) => {
    const answer = await about(stranger(), scene.victim);
    expect(answer).toEqual(await about(stranger(), nobody));
    expectNothingOf(scene.victim, answer);
  });

  if (!entity.isResolvable) return;

  it('by its owner, who is shown it', async () => {
    expect(await about(scene.victim, scene.victim)).not.toEqual(await about(scene.victim, nobody));
  });
});

/** Strangers at the gateway, at the endpoint that shows most. */
const strangersOutside: Record<string, () => Client> = {
  'by nobody': () => ({ url: adminUrl }),
  'by another customer': () => scene.stranger,
  'by staff without the scope': () => scene.staff.CATALOG_MANAGER,
};

/** As many root fields as one document may have. */
const MAX_ROOT_FIELDS = 10;

describe.each(ownedNodes.map((type) => ({ type })))('$type, read again by its id', ({ type }) => {
  const fields = eachField(type, ['id']);
  const idOf = (victim: Victim) =>
    representationOf({ type, key: ['id'], subgraph: 'user', isResolvable: true }, victim)['id'] ?? '';
  const reads = {
    node: (field: string) => `node(id: $id) { __typename ... on ${type.name} { ${field} } }`,
    nodes: (field: string) => `nodes(ids: [$id]) { __typename ... on ${type.name} { ${field} } }`,
  };
  const about = async (as: Client, way: keyof typeof reads, victim: Victim) => {
    const answers: string[] = [];
    for (let from = 0; from < fields.length; from += MAX_ROOT_FIELDS) {
      const selections = fields
        .slice(from, from + MAX_ROOT_FIELDS)
        .map((field, index) => `f${index}: ${reads[way](field)}`);
      const query = `query ($id: ID!) { ${selections.join(' ')} }`;
      answers.push(told(await ask(as, query, { id: idOf(victim) }), victim));
    }
    return answers;
  };

  it.each(
    Object.entries(strangersOutside).flatMap(([who, stranger]) =>
      (['node', 'nodes'] as const).map((way) => [way, who, stranger] as const),
    ),
  )('through %s %s', async (way, _, stranger) => {
    const answers = await about(stranger(), way, scene.victim);
    expect(answers).toEqual(await about(stranger(), way, nobody));
    for (const answer of answers) expectNothingOf(scene.victim, answer);
  });

  it.each(['node', 'nodes'] as const)('through %s by its owner, who is shown it', async (way) => {
    const owner = { ...scene.victim, url: adminUrl };
    expect(await about(owner, way, scene.victim)).not.toEqual(await about(owner, way, nobody));
  });
});

describe.each(waysToOwned.map((field) => ({ name: field.name, field })))(
  'all that Query.$name leads to',
  ({ name, field }) => {
    const row = operations[`Query.${name}`] ?? none;
    const selection = everythingOwned(getNamedType(field.type));
    const about = async (as: Client, victim: Victim) => {
      const args = (typeof row === 'function' ? row : row.self)(victim);
      return told(await ask(as, `{ result: ${name}${args ? `(${args})` : ''} ${selection} }`), victim);
    };

    it.each(Object.entries(strangersOutside))('%s', async (_, stranger) => {
      const answer = await about(stranger(), scene.victim);
      expect(answer).toEqual(await about(stranger(), nobody));
      expectNothingOf(scene.victim, answer);
    });

    it('by an administrator or its owner, who are shown it', async () => {
      const admin = await about(scene.admin, scene.victim);
      const owner = await about({ ...scene.victim, url: adminUrl }, scene.victim);
      expect(`${admin} ${owner}`).toContain('"result":{');
    });
  },
);

it("sees no stock and no drafts in the storefront's contract", async () => {
  const { errors } = await ask(
    { ...scene.stranger, url: inject('shop').gatewayUrl },
    `{ product(id: "${scene.victim.productId}") { status variants { nodes { stock { onHand } } } } }`,
  );
  expect(errors.map(({ extensions }) => extensions?.['code'])).toEqual([
    'GRAPHQL_VALIDATION_FAILED',
    'GRAPHQL_VALIDATION_FAILED',
  ]);
});

/** An answer as it is for anybody: what was named in the question stands in it by the name it has for us. */
function told({ status, data, errors }: Reply, about: Victim): string {
  const complaints = errors.map(({ extensions: { requestId: _, ...extensions } = {}, ...error }) => ({
    ...error,
    extensions,
  }));
  return Object.entries(about).reduce(
    (text, [name, value]) =>
      name.endsWith('Id') || name === 'orderNumber' ? text.replaceAll(value, `<${name}>`) : text,
    JSON.stringify({ status, data, errors: complaints }),
  );
}

/** Neither a name of the victim's, nor anything that stands by itself for something of theirs. */
function expectNothingOf({ email }: Victim, answer: string): void {
  expect(answer).not.toContain(PRIVATE);
  expect(answer).not.toContain(email);
  expect(answer).not.toMatch(/Internal server error|INTERNAL_SERVER_ERROR|GRAPHQL_VALIDATION_FAILED/);
}
