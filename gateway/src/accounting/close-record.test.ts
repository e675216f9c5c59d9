import { createLogger } from '@souk/platform/logger';
import { register } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { closeRecord, type RequestEnd } from './close-record.ts';
import { errorAnswered, openRecord, type RequestRecord } from './request-record.ts';

const lines: Record<string, unknown>[] = [];
const log = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
const end: RequestEnd = {
  log,
  requestId: 'request-0001',
  method: 'POST',
  status: 200,
  requestBytes: 120,
  responseBytes: 537,
  isHungUp: false,
};

beforeEach(() => {
  lines.length = 0;
  register.resetMetrics();
});

function open(endpoint: string | undefined): RequestRecord {
  const record = openRecord({ headers: { 'apollographql-client-name': 'storefront' }, clientIp: '198.51.100.7' });
  record.endpoint = endpoint;
  return record;
}

async function counted(): Promise<object[]> {
  const { values = [] } = (await register.getSingleMetric('souk_operations_total')?.get()) ?? {};
  return values;
}

describe('the outcome of a request', () => {
  const passes = () => {};
  const fails = (record: RequestRecord) => errorAnswered(record, 'BAD_USER_INPUT');
  const isLimited = (record: RequestRecord) => errorAnswered(record, 'RATE_LIMITED', 'instance');

  it.each<[string, (record: RequestRecord) => void, Partial<RequestEnd>]>([
    ['answered', passes, {}],
    ['errors', fails, {}],
    ['refused', fails, { status: 400 }],
    ['refused', isLimited, { status: 503 }],
    ['failed', fails, { status: 500 }],
    ['hung-up', fails, { isHungUp: true }],
  ])('%s', async (outcome, happens, how) => {
    const record = open('/graphql');
    happens(record);
    closeRecord(record, { ...end, ...how });
    expect(lines).toMatchObject([
      { msg: 'request', requestId: 'request-0001', clientIp: '198.51.100.7', clientName: 'storefront', outcome },
    ]);
    expect(await counted()).toEqual([{ labels: { endpoint: '/graphql', operation: 'none', outcome }, value: 1 }]);
  });
});

it('what is no GraphQL is in the log, and not among operations', async () => {
  closeRecord(open(undefined), end);
  expect(lines).toMatchObject([{ endpoint: 'other', outcome: 'answered', requestBytes: 120, responseBytes: 537 }]);
  expect(await counted()).toEqual([]);
});

it('of a stream its subscriptions tell', async () => {
  const record = open('/graphql');
  record.isStream = true;
  closeRecord(record, end);
  expect(lines).toEqual([]);
  expect(await counted()).toEqual([]);
});
