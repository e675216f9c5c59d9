import { testRedisUrl } from '@souk/dev/test-database';
import { createLogger } from '@souk/platform/logger';
import { custodyOf } from '@souk/platform/token-custody';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerWith, type FakeSubgraph, startFakeSubgraph } from '../../platform/test/fake-subgraph.ts';
import { MUTATION, openSubgraphCaller, QUERY } from '../test/subgraph-caller.ts';
import { openTestGateway } from '../test/test-gateway.ts';
import { createMutationClock } from './subgraph-client/mutation-clock.ts';
import { createSubgraphClient } from './subgraph-client.ts';

const logger = createLogger('test', { level: 'silent' });
const token = 'a'.repeat(43);
let subgraph: FakeSubgraph;

beforeEach(async () => {
  subgraph = await startFakeSubgraph(answerWith({ data: {} }));
});
afterEach(() => subgraph.close());

describe('what a client sends', () => {
  it('reaches no subgraph as a header, whatever it is called', async () => {
    const client = createSubgraphClient({
      clock: createMutationClock(),
      name: 'user',
      urls: [subgraph.url],
      queryTimeoutMs: 5_000,
      mutationTimeoutMs: 5_000,
      signer: { assertion: async () => 'of the gateway' },
      logger,
    });
    const gateway = await openTestGateway({ redisUrl: await testRedisUrl(), subgraphClient: () => client });
    const forged = 'forged-by-a-client';
    await gateway.post(
      { query: 'mutation { signOut { userErrors { code } } }' },
      {
        'souk-assertion': forged,
        'souk-client-ip': forged,
        'souk-client-agent': forged,
        'souk-deadline': forged,
        'souk-refresh-token': forged,
        'Souk-Anything': forged,
        'x-souk-cost': '1',
        'x-forwarded-for': forged,
        'x-real-ip': forged,
        cookie: `souk-refresh-token=${forged}`,
        traceparent: forged,
        'x-http-method-override': forged,
      },
      '203.0.113.9',
    );
    await gateway.close();
    await client.close();
    expect(subgraph.asked).toHaveLength(1);
    expect(subgraph.headers).toMatchObject({
      'souk-assertion': 'of the gateway',
      'souk-client-ip': '203.0.113.9',
      'souk-deadline': expect.stringMatching(/^\d+$/),
    });
    expect(JSON.stringify(subgraph.headers)).not.toContain(forged);
    expect(subgraph.headers).not.toHaveProperty('souk-refresh-token');
  });
});

describe('a refresh token that is kept for a client', () => {
  const ask = async (name: string, query: string, custody = custodyOf(token)) => {
    const caller = openSubgraphCaller([subgraph.url], { name });
    const answer = await caller.ask(query, { custody });
    await caller.close();
    return { answer, custody };
  };

  it('is told to the user subgraph with a mutation, and to nobody else', async () => {
    await ask('user', MUTATION);
    expect(subgraph.headers['souk-refresh-token']).toBe(token);
    await ask('user', MUTATION, custodyOf(undefined));
    expect(subgraph.headers['souk-refresh-token']).toBe('');
    for (const [name, query] of [
      ['user', QUERY],
      ['order', MUTATION],
      ['cart', MUTATION],
    ] as const) {
      await ask(name, query);
      expect(subgraph.headers).not.toHaveProperty('souk-refresh-token');
    }
  });

  it('is replaced or given up as the user subgraph says, beside the answer, which says nothing of it', async () => {
    const next = { token: 'b'.repeat(43), expiresAt: '2030-01-01T00:00:00.000Z' };
    for (const said of [next, null]) {
      subgraph.behave(answerWith({ data: { order: null }, extensions: { soukRefreshToken: said } }));
      const { answer, custody } = await ask('user', MUTATION);
      expect(custody.next).toEqual(said);
      expect(answer).toEqual({ data: { order: null } });
    }
    subgraph.behave(answerWith({ data: { order: null } }));
    expect((await ask('user', MUTATION)).custody.next).toBeUndefined();
  });

  it('is not touched by any other subgraph', async () => {
    subgraph.behave(answerWith({ data: { order: null }, extensions: { soukRefreshToken: null } }));
    const { answer, custody } = await ask('order', MUTATION);
    expect(custody.next).toBeUndefined();
    expect(answer).toEqual({ data: { order: null } });
  });
});
