// What a connection costs the server in resident memory: 10,000 idle ones, and 1,000 consumers
// blocked in BRPOP on 1,000 queues.
//
// An idle connection has sent one PING and had its answer, so whatever a server allocates lazily is
// there. The cost is the difference of VmRSS before and after, divided by the number; the server is
// fresh and has served a little traffic before the first reading.

import type { RunningServer } from './contenders.ts';
import { rssBytes, settle } from './process-usage.ts';
import { measureWithRedisBenchmark } from './redis-benchmark.ts';
import { connectClient, encodeCommand, type RespClient, withClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { measureFresh, type Suite } from './suite.ts';

const SUITE = 'connections';
const IDLE = 10_000;
const BLOCKED = 1_000;
/** Connections opened at once: below every listen backlog. */
const OPEN_AT_ONCE = 100;

export const connections: Suite = {
  name: SUITE,
  about: 'resident memory per idle and per blocked connection',
  async run(context) {
    const rounds = 1;
    await measureFresh(context, { suite: SUITE, test: `idle ${IDLE}`, rounds }, (server) =>
      measure(server, IDLE, async (clients) => {
        await Promise.all(clients.map((client) => client.request('PING')));
      }),
    );
    await measureFresh(context, { suite: SUITE, test: `blocked ${BLOCKED}`, rounds }, (server) =>
      measure(server, BLOCKED, (clients) => block(server, clients)),
    );
  },
};

async function measure(
  server: RunningServer,
  count: number,
  use: (clients: readonly RespClient[]) => Promise<void>,
): Promise<Sample['values']> {
  const { port, pid } = server;
  await allowClients(port, count + 100);
  await measureWithRedisBenchmark(port, ['-t', 'ping_mbulk', '-n', '50000']);
  await settle(pid);
  const before = rssBytes(pid);
  const clients: RespClient[] = [];
  try {
    for (let open = 0; open < count; open += OPEN_AT_ONCE) {
      const some = Math.min(OPEN_AT_ONCE, count - open);
      clients.push(...(await Promise.all(Array.from({ length: some }, () => connectClient(port)))));
    }
    await use(clients);
    await settle(pid);
    return { kbPerConnection: (rssBytes(pid) - before) / count / 1024 };
  } finally {
    for (const client of clients) client.destroy();
  }
}

/** A server that does not know the setting keeps its limit, and refused connections will tell. */
async function allowClients(port: number, count: number): Promise<void> {
  await withClient(port, (client) =>
    client.request('CONFIG', 'SET', 'maxclients', String(count)).catch(() => null),
  );
}

/** Blocks each client on its own queue and waits until the server counts them all as blocked. */
async function block(server: RunningServer, clients: readonly RespClient[]): Promise<void> {
  let refusal: Error | undefined;
  clients.forEach((client, i) => {
    client.onReply = (reply) => {
      refusal ??= reply instanceof Error ? reply : new Error('BRPOP returned');
    };
    client.send(encodeCommand('BRPOP', `queue:${i}`, '0'));
  });
  await withClient(server.port, async (client) => {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      const info = String(await client.request('INFO', 'clients'));
      const count = Number(/^blocked_clients:(\d+)/m.exec(info)?.[1]);
      if (refusal !== undefined) throw refusal;
      if (count === clients.length) return;
    }
    throw new Error(`INFO does not show ${clients.length} blocked_clients`);
  });
}
