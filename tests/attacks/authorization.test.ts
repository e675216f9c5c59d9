import { readFileSync } from 'node:fs';
import { guardsOf } from '@souk/platform/access';
import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import {
  buildSchema,
  type GraphQLField,
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  parse,
} from 'graphql';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ask, type Client, newCustomer, type Person } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { eachField } from './entities.ts';
import { none, operations } from './operations.ts';
import type { Reply } from './reply.ts';
import { ask as askAs } from './request.ts';
import { type Scene, type StaffRole, setScene, stateOf } from './scene.ts';

/** Every root field of the whole graph, asked by those who may not: nobody, another customer, staff without the scope. */

const { gatewayUrl, adminUrl } = inject('shop');
const schema = buildSchema(readFileSync(new URL('../../schema/api/admin.graphql', import.meta.url), 'utf8'));
const guards = new Map(subgraphNames.flatMap((name) => [...guardsOf(parse(readSubgraphSdl(name)))]));
const rootFields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({
    coordinate: `${type?.name}.${field.name}`,
    kind: type?.name.toLowerCase() ?? '',
    field,
  })),
);

const Grants = graphql(`query Grants { roleGrants { role scopes } }`);

let scene: Scene;
let scopesOf: Record<string, string[]>;
let before: Awaited<ReturnType<typeof stateOf>>;
beforeAll(async () => {
  scene = await setScene();
  const { roleGrants } = await ask(scene.admin, Grants);
  scopesOf = Object.fromEntries((roleGrants ?? []).map(({ role, scopes }) => [role, scopes]));
  before = await stateOf(scene.victim);
});

it('the table names every operation of the graph and no other', () => {
  expect(rootFields.map(({ coordinate }) => coordinate).sort()).toEqual(Object.keys(operations).sort());
});

describe.each(rootFields)('$coordinate', ({ coordinate, kind, field }) => {
  const row = operations[coordinate] ?? none;
  const isHonest = typeof row !== 'function';
  const guard = guards.get(coordinate) ?? { kind: 'undeclared' };
  const call = (as: Client) => {
    const args = (isHonest ? row.self : row)(scene.victim);
    return askAs(as, `${kind} { result: ${field.name}${args ? `(${args})` : ''} ${selection(field)} }`);
  };

  it('asked by nobody', async () => {
    const reply = await call({ url: adminUrl });
    if (guard.kind === 'authenticated' || guard.kind === 'scopes') expectRefused(reply, 'UNAUTHENTICATED');
    else if (!isHonest) expectRefusedOrEmpty(reply);
    await expectVictimUnharmed();
  });

  it('asked by another customer', async () => {
    // An honest sign-out ends the session it is sent with, so it gets one of its own.
    const isLeaving = coordinate === 'Mutation.signOut';
    const as: Person = isLeaving ? { ...(await newCustomer(gatewayUrl, 'Mallory')), url: adminUrl } : scene.stranger;
    const reply = await call(as);
    if (guard.kind === 'scopes') expectRefused(reply, 'FORBIDDEN');
    else if (!isHonest) expectRefusedOrEmpty(reply);
    await expectVictimUnharmed();
  });

  if (guard.kind !== 'scopes') return;

  it('asked by staff without the scope', async () => {
    const role = (Object.keys(scene.staff) as StaffRole[]).find(
      (name) => !guard.anyOf.some((all) => all.every((scope) => scopesOf[name]?.includes(scope))),
    );
    if (!role) throw new Error(`Expected a staff role without ${JSON.stringify(guard.anyOf)}.`);
    expectRefused(await call(scene.staff[role]), 'FORBIDDEN');
    await expectVictimUnharmed();
  });
});

async function expectVictimUnharmed(): Promise<void> {
  expect(await stateOf(scene.victim)).toEqual(before);
}

function expectRefused({ data, errors }: Reply, code: string): void {
  expect(errors.map(({ extensions }) => extensions?.['code'])).toEqual([code]);
  expect(data).toEqual({ result: null });
}

/** Nothing given: an error, null, an empty list, or a payload that refuses. */
function expectRefusedOrEmpty({ data, errors }: Reply): void {
  if (errors.length > 0) {
    for (const { extensions } of errors)
      expect(['UNAUTHENTICATED', 'FORBIDDEN', 'BAD_USER_INPUT']).toContain(extensions?.['code']);
    return;
  }
  const { result } = data as { result: unknown };
  if (Array.isArray(result)) expect(result.filter((item) => item !== null)).toEqual([]);
  else if (result !== null) {
    const { userErrors, ...given } = result as Record<string, unknown>;
    expect(userErrors).toMatchObject([{ code: expect.any(String) }]);
    expect(Object.values(given).filter((value) => JSON.stringify(value) !== '[]' && value !== null)).toEqual([]);
  }
}

/** Enough of a field's answer to see whether anything was given. */
function selection(field: GraphQLField<unknown, unknown>): string {
  const type = getNamedType(field.type as GraphQLOutputType);
  if (!isCompositeType(type)) return '';
  // Every type behind it is asked for in `entities.test.ts`.
  if (isInterfaceType(type))
    return '{ ... on Order { number } ... on Cart { version } ... on Payment { status } ... on Address { city } ... on Session { createdAt } }';
  if (!isObjectType(type)) return '{ __typename }';
  const fields = type.getFields();
  if (fields['userErrors']) return `{ ${eachField(type, []).join(' ')} }`;
  if (fields['nodes']) return '{ nodes { __typename } }';
  return fields['id'] ? '{ id __typename }' : '{ __typename }';
}
