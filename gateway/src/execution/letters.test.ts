import { testRedisUrl } from '@souk/dev/test-database';
import { createLogger } from '@souk/platform/logger';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeSubgraph, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { openTestGateway, type TestGateway } from '../../test/test-gateway.ts';
import { createMutationClock } from '../subgraph-client/mutation-clock.ts';
import { createSubgraphClient } from '../subgraph-client.ts';

const logger = createLogger('test', { level: 'silent' });
let subgraph: FakeSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  subgraph = await startFakeSubgraph();
  gateway = await openTestGateway({
    redisUrl: await testRedisUrl(),
    subgraphClient: (name) =>
      createSubgraphClient({
        ...{ name, urls: [subgraph.url], queryTimeoutMs: 5_000, mutationTimeoutMs: 5_000 },
        ...{ signer: { assertion: async () => 'signed' }, clock: createMutationClock(), logger },
      }),
  });
});

afterAll(async () => {
  await gateway.close();
  await subgraph.close();
});

/** A subgraph may write a letter as itself or by its number (RFC 8259, section 7). */
const numbered = (text: string) =>
  text.replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);

it.each([
  ['ASCII', 'a teapot', String],
  ['letters of two bytes', 'Café für Ähren', String],
  ['letters of three and four bytes', '茶 壶 🫖', String],
  ['letters of two bytes, numbered', 'Café für Ähren', numbered],
  ['letters of three and four bytes, numbered', '茶 壶 🫖', numbered],
  ['what has to be escaped', 'line 1\nline 2 "quoted" \\ \u2028', (text: string) => JSON.stringify(text).slice(1, -1)],
])('%s reach the client, whether the answer is short or long', async (_, title, write) => {
  for (const times of [1, 1_000]) {
    const whole = title.repeat(times);
    const data = `{"product":{"__typename":"Product","id":"prod_1","title":"${write(whole)}"}}`;
    await expectTitle(whole, Buffer.from(`{"data":${data}}`));
  }
});

it('what is no UTF-8 is told by the letter for that', async () => {
  const answer = '{"data":{"product":{"__typename":"Product","id":"prod_1","title":"Café"}}}';
  await expectTitle('Caf\uFFFD', Buffer.from(answer, 'latin1'));
});

async function expectTitle(title: string, bytes: Buffer): Promise<void> {
  subgraph.behave((_request, response) => response.setHeader('content-type', 'application/json').end(bytes));
  // The third time the query is known, and answered the shortest way.
  for (let request = 1; request <= 3; request++) {
    const answer = await fetch(await gateway.listen(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'query Page($id: ID!) { product(id: $id) { title } }',
        variables: { id: 'prod_1' },
      }),
    });
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await answer.arrayBuffer());
    expect(JSON.parse(text)).toEqual({ data: { product: { title } } });
  }
}
