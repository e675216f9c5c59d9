import { newId } from '@souk/platform/id';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { addresses } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const text = { recipient: 'Ali Baba', line1: 'Cave Road 40', city: 'Baghdad', countryCode: 'IQ' };
const FIELDS = 'address { id recipient city isDefaultShipping } userErrors { code field }';
const create = async (person: Person, input: object = text) =>
  (
    await service.ask(
      person.accessToken,
      `mutation ($input: AddressInput!) { addressCreate(input: $input) { ${FIELDS} } }`,
      { input },
    )
  ).data.addressCreate;
const update = async (person: Person, input: object) =>
  (
    await service.ask(
      person.accessToken,
      `mutation ($input: AddressUpdateInput!) { addressUpdate(input: $input) { ${FIELDS} } }`,
      { input },
    )
  ).data.addressUpdate;
const setDefault = async (person: Person, id: string) =>
  (await service.ask(person.accessToken, `mutation ($id: ID!) { addressSetDefault(id: $id) { ${FIELDS} } }`, { id }))
    .data.addressSetDefault;
const remove = async (person: Person, id: string) =>
  (
    await service.ask(
      person.accessToken,
      'mutation ($id: ID!) { addressDelete(id: $id) { deletedAddressId userErrors { code } } }',
      { id },
    )
  ).data.addressDelete;
const book = async (person: Person) => {
  const source =
    '{ viewer { defaultShippingAddress { id } addresses(first: 100) { nodes { id isDefaultShipping } } } }';
  const { viewer } = (await service.ask(person.accessToken, source)).data;
  return {
    default: viewer.defaultShippingAddress?.id,
    nodes: viewer.addresses.nodes as { id: string; isDefaultShipping: boolean }[],
  };
};

test('the first address becomes the default; another can take its place; a deleted default is replaced by the newest', async () => {
  const person = await service.newPerson();
  const first = (await create(person)).address;
  const second = (await create(person)).address;
  const third = (await create(person)).address;
  expect([first, second, third].map((address) => address.isDefaultShipping)).toEqual([true, false, false]);
  expect((await setDefault(person, second.id)).address).toMatchObject({ id: second.id, isDefaultShipping: true });
  expect(await book(person)).toMatchObject({
    default: second.id,
    nodes: [{ id: third.id }, { id: second.id }, { id: first.id }],
  });
  expect(await remove(person, second.id)).toEqual({ deletedAddressId: second.id, userErrors: [] });
  expect((await book(person)).default).toBe(third.id);
  await remove(person, first.id);
  await remove(person, third.id);
  expect(await book(person)).toEqual({ default: undefined, nodes: [] });
});

test('an update replaces the whole text', async () => {
  const person = await service.newPerson();
  const { address } = await create(person, { ...text, region: 'Karkh' });
  expect((await update(person, { id: address.id, address: { ...text, city: 'Basra' } })).address.city).toBe('Basra');
  const [row] = await service.db.select().from(addresses).where(eq(addresses.id, address.id));
  expect(row).toMatchObject({ city: 'Basra', region: null });
});

test('other people cannot see, change, remove or prefer an address', async () => {
  const owner = await service.newPerson();
  const stranger = await service.newPerson();
  const { address } = await create(owner);
  for (const answer of [
    await update(stranger, { id: address.id, address: { ...text, city: 'Elsewhere' } }),
    await setDefault(stranger, address.id),
    await remove(stranger, address.id),
  ]) {
    expect(answer.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  }
  const { data } = await service.ask(stranger.accessToken, 'query ($id: ID!) { node(id: $id) { id } }', {
    id: address.id,
  });
  expect(data.node).toBeNull();
  expect((await book(owner)).nodes).toEqual([{ id: address.id, isDefaultShipping: true }]);
});

test('texts that are missing or too long are all named, and nothing is written', async () => {
  const person = await service.newPerson();
  const { address, userErrors } = await create(person, {
    ...text,
    recipient: ' ',
    line1: 'x'.repeat(201),
    postalCode: '1'.repeat(21),
  });
  expect(address).toBeNull();
  expect(userErrors).toEqual([
    { code: 'REQUIRED', field: ['input', 'recipient'] },
    { code: 'INVALID', field: ['input', 'line1'] },
    { code: 'INVALID', field: ['input', 'postalCode'] },
  ]);
  expect((await book(person)).nodes).toEqual([]);
});

test('a book holds fifty addresses and one default, however many are added at once', async () => {
  const person = await service.newPerson();
  const row = () => ({ ...text, id: newId('Address'), userId: person.id, defaultOf: null });
  await service.db.insert(addresses).values(Array.from({ length: 45 }, row));
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(person)));
  const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }: { code: string }) => code));
  expect(codes).toEqual(['LIMIT_REACHED', 'LIMIT_REACHED', 'LIMIT_REACHED']);
  const { nodes } = await book(person);
  expect(nodes).toHaveLength(50);
  await Promise.all(nodes.slice(0, 6).map(({ id }) => setDefault(person, id)));
  expect((await book(person)).nodes.filter(({ isDefaultShipping }) => isDefaultShipping)).toHaveLength(1);
});

test('the order service gets the named address or the default, only if it is of that user', async () => {
  const person = await service.newPerson();
  const stranger = await service.newPerson();
  const source =
    'query ($userId: ID!, $addressId: ID) { addressForOrder(userId: $userId, addressId: $addressId) { id city } }';
  const ask = async (userId: string, addressId: string | null) =>
    (await service.askAsOrder(source, { userId, addressId })).data.addressForOrder;
  expect(await ask(person.id, null)).toBeNull();
  const first = (await create(person)).address;
  const second = (await create(person)).address;
  expect(await ask(person.id, null)).toEqual({ id: first.id, city: 'Baghdad' });
  expect(await ask(person.id, second.id)).toMatchObject({ id: second.id });
  expect(await ask(stranger.id, second.id)).toBeNull();
  const { errors } = await service.ask(person.accessToken, source, { userId: person.id });
  expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
});
