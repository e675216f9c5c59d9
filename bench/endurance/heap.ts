/** What a process keeps in memory once its garbage is collected, as Node's inspector tells. */
export interface Heap {
  /** @returns bytes */
  afterCollection(): Promise<{ heapUsed: number; rss: number }>;
  close(): void;
}

interface Reply {
  id: number;
  result?: { result?: { value?: string } };
}

/** @param port of the inspector of the process, which was started with `--inspect` */
export async function openHeap(port: number): Promise<Heap> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  let calls = 0;
  const call = (method: string, params: object = {}) =>
    new Promise<Reply>((resolve) => {
      waiting.set(++calls, resolve);
      socket.send(JSON.stringify({ id: calls, method, params }));
    });
  return {
    async afterCollection() {
      await call('HeapProfiler.collectGarbage');
      const expression = 'JSON.stringify(process.memoryUsage())';
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true });
      return JSON.parse(result?.result?.value ?? '{}') as { heapUsed: number; rss: number };
    },
    close: () => socket.close(),
  };
}
