import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { callGraphQL } from './graphql-call.ts';
import { openHttpPool } from './http-pool.ts';

describe('a connection', () => {
  it('that does not come about is given up long before the request is', async () => {
    const program = `
      const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send(server.address().port));`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [port] = await once(child, 'message');
    // Nobody takes what arrives any more, so the queue of arrivals is soon full.
    child.kill('SIGSTOP');
    const arrivals: Socket[] = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    await once(arrivals[0] as Socket, 'connect');

    const pool = openHttpPool({ origin: `http://127.0.0.1:${port}`, connections: 1 });
    const call = { path: '/', headers: {}, request: {}, signal: AbortSignal.timeout(900) };
    await expect(callGraphQL(pool, call)).rejects.toMatchObject({ kind: 'not-sent', mayHaveActed: false });
    for (const socket of arrivals) socket.destroy();
    child.kill('SIGKILL');
    await pool.close();
  });
});
