import { defaultDoorLimits } from '@souk/platform/door-limits';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestService, type Person, type TestService, TOKEN_LIFE_SECONDS } from '../test-service.ts';
import { currentAccessVersion } from './access-change.ts';
import { buildAccessSnapshot } from './access-snapshot.ts';
import { accessChanges, doorLimits } from './tables.ts';

let service: TestService;
let admin: Person;
beforeAll(async () => {
  service = await openTestService();
  admin = await service.newPerson('ADMIN');
});
beforeEach(async () => {
  await service.db.update(doorLimits).set({ settings: {}, version: 1, updatedBy: null });
});
afterAll(() => service?.close());

const LIMITS = `address { points windowSeconds } rootField { points windowSeconds } sensitiveRootField { points windowSeconds }
  rootFields { name points windowSeconds } instance { minimumInFlight maximumInFlight delayMs reservedPercent }
  version updatedBy { id }`;
const SET = `mutation ($input: DoorLimitsSetInput!) {
  doorLimitsSet(input: $input) { limits { ${LIMITS} } userErrors { code field } }
}`;
const set = async (input: object, by = admin) =>
  (await service.ask(by.accessToken, SET, { input: { expectedVersion: 1, ...input } })).data.doorLimitsSet;
const limits = async () => (await service.ask(admin.accessToken, `{ doorLimits { ${LIMITS} } }`)).data.doorLimits;
const inSnapshot = async () => (await buildAccessSnapshot(service.db, TOKEN_LIFE_SECONDS)).doorLimits;

test('a new shop has the defaults', async () => {
  expect(await limits()).toEqual({ ...defaultDoorLimits, version: 1, updatedBy: null });
  expect(await inSnapshot()).toEqual(defaultDoorLimits);
});

test('what is set is shown with its author, and is in the snapshot under a new version; the rest stays', async () => {
  const before = await currentAccessVersion(service.db);
  const address = { points: 20, windowSeconds: 5 };
  const rootFields = [{ name: 'productSearch', points: 500, windowSeconds: 1 }];
  const expected = { ...defaultDoorLimits, address, rootFields };
  const answer = await set({ address, rootFields });
  expect(answer).toEqual({ limits: { ...expected, version: 2, updatedBy: { id: admin.id } }, userErrors: [] });
  expect(await limits()).toEqual(answer.limits);
  expect(await inSnapshot()).toEqual(expected);
  expect(await currentAccessVersion(service.db)).toBe(before + 1);
  expect(await service.db.select().from(accessChanges)).toContainEqual(
    expect.objectContaining({ kind: 'LIMITS', subject: admin.id, version: before + 1 }),
  );
});

test('null brings back the default', async () => {
  const instance = { ...defaultDoorLimits.instance, delayMs: 50 };
  await set({ address: { points: 20, windowSeconds: 5 }, instance });
  const { limits: after } = await set({ address: null, expectedVersion: 2 });
  expect(after).toMatchObject({ address: defaultDoorLimits.address, instance, version: 3 });
});

test('only who has read the present version sets limits', async () => {
  await set({ address: { points: 20, windowSeconds: 5 } });
  expect(await set({ address: null })).toMatchObject({
    limits: { address: { points: 20 }, version: 2 },
    userErrors: [{ code: 'STALE_VERSION', field: null }],
  });
  expect(await limits()).toMatchObject({ address: { points: 20 }, version: 2 });
});

const budget = { points: 100, windowSeconds: 10 };
const instance = { minimumInFlight: 8, maximumInFlight: 100, delayMs: 50, reservedPercent: 10 };
test.each([
  ['address.points', { address: { ...budget, points: 9 } }],
  ['rootField.windowSeconds', { rootField: { ...budget, windowSeconds: 0 } }],
  ['sensitiveRootField.windowSeconds', { sensitiveRootField: { ...budget, windowSeconds: 3_601 } }],
  ['rootFields.0.name', { rootFields: [{ ...budget, name: 'no name' }] }],
  [
    'rootFields',
    {
      rootFields: [
        { ...budget, name: 'viewer' },
        { ...budget, name: 'viewer' },
      ],
    },
  ],
  ['rootFields', { rootFields: Array.from({ length: 101 }, (_, at) => ({ ...budget, name: `field${at}` })) }],
  ['instance.minimumInFlight', { instance: { ...instance, minimumInFlight: 7 } }],
  ['instance.maximumInFlight', { instance: { ...instance, minimumInFlight: 101 } }],
  ['instance.reservedPercent', { instance: { ...instance, reservedPercent: 91 } }],
])('refuses limits that would lock the door, at %s, and changes nothing', async (path, input) => {
  expect(await set(input)).toEqual({
    limits: null,
    userErrors: [{ code: 'INVALID', field: ['input', ...path.split('.')] }],
  });
  expect(await limits()).toMatchObject({ version: 1, updatedBy: null, ...defaultDoorLimits });
});

test('nobody sets or sees limits without the scope', async () => {
  const support = await service.newPerson('SUPPORT');
  expect(await set({ address: budget }, support)).toBeNull();
  const { data, errors } = await service.ask(support.accessToken, '{ doorLimits { version } }');
  expect(data.doorLimits).toBeNull();
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  expect(await limits()).toMatchObject({ version: 1 });
});
