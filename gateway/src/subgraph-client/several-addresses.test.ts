import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerWith, type FakeSubgraph, hang, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { MUTATION, openSubgraphCaller, type SubgraphCaller } from '../../test/subgraph-caller.ts';

const working = answerWith({ data: { order: { id: 'x' } } });
const subgraphs: FakeSubgraph[] = [];
let caller: SubgraphCaller;

async function start(host: string, port?: number): Promise<FakeSubgraph> {
  const fake = await startFakeSubgraph(working, { host, ...(port ? { port } : {}) });
  subgraphs.push(fake);
  return fake;
}

async function open(urls: string[], options: Parameters<typeof openSubgraphCaller>[1] = {}): Promise<void> {
  caller = openSubgraphCaller(urls, options);
  await caller.ask();
  for (const fake of subgraphs) fake.asked.length = 0;
}

const askOneByOne = async (count: number, query?: string) => {
  const answers: string[] = [];
  for (let asked = 0; asked < count; asked++) answers.push(...(await caller.askAtOnce(1, query)));
  return answers;
};
const answered = (count: number) => Array(count).fill('answered');

afterEach(async () => {
  await Promise.all(subgraphs.splice(0).map((fake) => fake.close()));
  await caller.close();
});

describe('several addresses of one subgraph', () => {
  it('take turns', async () => {
    const fakes = [await start('127.0.0.1'), await start('127.0.0.1'), await start('127.0.0.1')];
    await open(fakes.map(({ url }) => url));
    await askOneByOne(30);
    expect(fakes.map(({ asked }) => asked.length)).toEqual([10, 10, 10]);
  });

  it('get less while they have much to do', async () => {
    const [slow, quick] = [await start('127.0.0.1'), await start('127.0.0.1')];
    await open([slow.url, quick.url]);
    const answers: (() => void)[] = [];
    slow.behave((request, response) => answers.push(() => working(request, response)));
    const waiting: Promise<string[]>[] = [];
    while (slow.asked.length === 0) {
      waiting.push(caller.askAtOnce(1));
      await vi.waitFor(() => expect(slow.asked.length + quick.asked.length).toBe(waiting.length));
    }
    const before = quick.asked.length;
    expect(await askOneByOne(20)).toEqual(answered(20));
    expect(quick.asked).toHaveLength(before + 20);
    for (const answer of answers) answer();
    await Promise.all(waiting);
  });

  it('lose nothing when one of them dies, neither queries nor mutations, and have it back when it lives', async () => {
    const [mortal, other] = [await start('127.0.0.1'), await start('127.0.0.1')];
    await open([mortal.url, other.url]);
    await mortal.die();
    expect(await askOneByOne(10, MUTATION)).toEqual(answered(10));
    expect(await askOneByOne(30)).toEqual(answered(30));
    expect(await caller.breakers()).toEqual({ [mortal.url]: 1, [other.url]: 0 });
    expect(other.asked).toHaveLength(40);

    await mortal.live();
    await vi.waitFor(
      async () => {
        expect(await askOneByOne(2)).toEqual(answered(2));
        expect(mortal.asked.length).toBeGreaterThan(0);
      },
      { timeout: 10_000, interval: 20 },
    );
    expect(await caller.breakers()).toEqual({ [mortal.url]: 0, [other.url]: 0 });
  });

  it('do without one that hangs', async () => {
    const [frozen, other] = [await start('127.0.0.1'), await start('127.0.0.1')];
    await open([frozen.url, other.url], { queryTimeoutMs: 1_000 });
    frozen.behave(hang);
    await caller.askAtOnce(40);
    expect(await caller.breakers()).toMatchObject({ [frozen.url]: 1, [other.url]: 0 });
    const before = frozen.asked.length;
    expect(await askOneByOne(20)).toEqual(answered(20));
    expect(frozen.asked).toHaveLength(before);
  });
});

describe('a host name', () => {
  it('stands for all its addresses, which are looked up again and again', async () => {
    const one = await start('127.0.0.1');
    const two = await start('127.0.0.2', one.port);
    let ips = ['127.0.0.1', '127.0.0.2'];
    const hosts = new Set<string>();
    const lookup = async (host: string) => {
      hosts.add(host);
      return ips;
    };
    await open([`http://orders.internal:${one.port}/graphql`], { lookup, lookupEveryMs: 10 });
    await askOneByOne(10);
    expect([one.asked.length, two.asked.length]).toEqual([5, 5]);
    expect(one.headers['host']).toBe(`orders.internal:${one.port}`);
    expect(hosts).toEqual(new Set(['orders.internal']));

    const three = await start('127.0.0.3', one.port);
    ips = ['127.0.0.2', '127.0.0.3'];
    await vi.waitFor(async () => expect(Object.keys(await caller.breakers()).join()).not.toContain('127.0.0.1'));
    one.asked.length = 0;
    await askOneByOne(10);
    expect([one.asked.length, three.asked.length]).toEqual([0, 5]);
  });

  it('keeps what it stood for while DNS fails', async () => {
    const fake = await start('127.0.0.1');
    let looks = 0;
    const lookup = async () => {
      if (++looks > 1) throw new Error('ENOTFOUND');
      return ['127.0.0.1'];
    };
    await open([`http://orders.internal:${fake.port}/graphql`], { lookup, lookupEveryMs: 10 });
    await vi.waitFor(() => expect(looks).toBeGreaterThan(3));
    expect(await askOneByOne(5)).toEqual(answered(5));
  });

  it('that nobody knows costs the fields of its subgraph', async () => {
    caller = openSubgraphCaller(['http://nowhere.invalid:4001/graphql']);
    expect((await caller.ask()).errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }]);
  });

  it('is found by the DNS of the machine', async () => {
    const fake = await start('127.0.0.1');
    caller = openSubgraphCaller([`http://localhost:${fake.port}/graphql`]);
    expect(await askOneByOne(5)).toEqual(answered(5));
  });
});
