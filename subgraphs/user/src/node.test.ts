import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';

let service: TestService;
let owner: Person;
let stranger: Person;
let support: Person;
let ids: { user: string; address: string; session: string };
beforeAll(async () => {
  service = await openTestService();
  [owner, stranger, support] = await Promise.all([
    service.newPerson(),
    service.newPerson(),
    service.newPerson('SUPPORT'),
  ]);
  const create = `mutation { addressCreate(input: { recipient: "A", line1: "B", city: "C", countryCode: "DE" }) { address { id } } }`;
  const address = (await service.ask(owner.accessToken, create)).data.addressCreate.address.id;
  const session = (await service.ask(owner.accessToken, '{ viewer { sessions { id } } }')).data.viewer.sessions[0].id;
  ids = { user: owner.id, address, session };
});
afterAll(() => service?.close());

const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';
const ENTITIES = 'query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }';

test('own objects are found by their owner and by staff, and by nobody else', async () => {
  const found = [
    { __typename: 'User', id: ids.user },
    { __typename: 'Address', id: ids.address },
    { __typename: 'Session', id: ids.session },
  ];
  const ask = async (token: string | null) => (await service.ask(token, NODES, { ids: Object.values(ids) })).data.nodes;
  expect(await ask(owner.accessToken)).toEqual(found);
  expect(await ask(support.accessToken)).toEqual(found);
  expect(await ask(stranger.accessToken)).toEqual([null, null, null]);
  expect(await ask(null)).toEqual([null, null, null]);
});

test('the same holds for entities, the way the gateway asks', async () => {
  const representations = [
    { __typename: 'User', id: ids.user },
    { __typename: 'Address', id: ids.address },
    { __typename: 'Session', id: ids.session },
  ];
  const ask = async (token: string | null) => (await service.ask(token, ENTITIES, { representations })).data._entities;
  expect(await ask(owner.accessToken)).toEqual(representations.map(({ __typename }) => ({ __typename })));
  expect(await ask(stranger.accessToken)).toEqual([null, null, null]);
  expect(await ask(null)).toEqual([null, null, null]);
});

test('ids of other subgraphs are answered with type and id; what is no node is null', async () => {
  const kinds = ['Product', 'ProductVariant', 'Category', 'Brand', 'Cart', 'Order', 'Payment'] as const;
  const foreign = kinds.map((kind) => ({ __typename: kind, id: newId(kind) }));
  const none = [newId('Media'), newId('AccessEntry'), 'user_x', '', '__proto__'];
  const { data } = await service.ask(null, NODES, { ids: [...foreign.map(({ id }) => id), ...none] });
  expect(data.nodes).toEqual([...foreign, ...none.map(() => null)]);
});

test('fifty ids are answered, in their order; more are refused', async () => {
  const many = Array.from({ length: 51 }, () => newId('Order'));
  const { errors } = await service.ask(null, NODES, { ids: many });
  expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  const { data } = await service.ask(null, NODES, { ids: many.slice(1) });
  expect(data.nodes.map(({ id }: { id: string }) => id)).toEqual(many.slice(1));
});

test('a reference with the wrong prefix says which one is expected', async () => {
  const { errors } = await service.ask(owner.accessToken, ENTITIES, {
    representations: [{ __typename: 'User', id: ids.address }],
  });
  expect(errors[0]?.message).toContain('"user_"');
});
