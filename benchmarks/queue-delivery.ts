// 20 producers and 20 consumers move 1 M messages over 100 queues; each message is delivered once.
//
// Messages are the numbers from 0 up. A producer pushes its share to the queues in turn, WINDOW
// pushes in flight. A consumer blocks in BRPOP on ten queues, so that each queue has two consumers
// that compete for it, and on a server with several shards a consumer waits on several of them. At
// the end every number must have come exactly once and every queue must be empty: a lost message
// ends the run by timeout, one delivered twice is seen as such.

import type { RunningServer } from './contenders.ts';
import { connectClient, encodeCommand, type RespClient, withClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { measureFresh, type Suite } from './suite.ts';

const PRODUCERS = 20;
const CONSUMERS = 20;
const QUEUES = 100;
const QUEUES_PER_CONSUMER = 10;
const WINDOW = 16;
const MESSAGES = 1_000_000;
const MESSAGES_QUICK = 20_000;
/** Without any delivery for so long, messages are lost. */
const SILENCE_MS = 10_000;

export const queueDelivery: Suite = {
  name: 'queues',
  about: '20 producers and 20 consumers over 100 queues, each message delivered exactly once',
  run: (context) => {
    const messages = context.quick ? MESSAGES_QUICK : MESSAGES;
    const test = { suite: 'queues', test: `queues ${messages / 1e3}k messages`, rounds: 1 };
    return measureFresh(context, test, (server) => measure(server, messages));
  },
};

async function measure(server: RunningServer, messages: number): Promise<Sample['values']> {
  const clients: RespClient[] = [];
  try {
    for (let i = 0; i < PRODUCERS + CONSUMERS; i++) clients.push(await connectClient(server.port));
    const startedAt = performance.now();
    const delivered = consume(clients.slice(PRODUCERS), messages);
    const produced = clients.slice(0, PRODUCERS).map((client, i) => produce(client, i, messages));
    await Promise.all([delivered, ...produced]);
    const seconds = (performance.now() - startedAt) / 1e3;
    await allEmpty(server.port);
    return { messagesPerSecond: messages / seconds / 1e3, correct: 1 };
  } finally {
    for (const client of clients) client.destroy();
  }
}

function queue(index: number): string {
  return `queue:${index % QUEUES}`;
}

/** Pushes the numbers index, index + PRODUCERS, … below messages; resolves when all are in. */
function produce(client: RespClient, index: number, messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = index;
    let inFlight = 0;
    const pushNext = () => {
      if (next >= messages) return;
      client.send(encodeCommand('LPUSH', queue(Math.floor(next / PRODUCERS) + index), `${next}`));
      next += PRODUCERS;
      inFlight++;
    };
    client.onReply = (reply) => {
      if (reply instanceof Error) return reject(reply);
      inFlight--;
      pushNext();
      if (inFlight === 0) resolve();
    };
    for (let i = 0; i < WINDOW; i++) pushNext();
    if (inFlight === 0) resolve();
  });
}

/** Resolves when every message has come once; rejects on a repeated one, an error, or silence. */
function consume(clients: readonly RespClient[], messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const seen = new Uint8Array(messages);
    let count = 0;
    const silence = setTimeout(() => {
      reject(new Error(`${messages - count} of ${messages} messages were not delivered`));
    }, SILENCE_MS);
    const fail = (error: Error) => {
      clearTimeout(silence);
      reject(error);
    };
    clients.forEach((client, i) => {
      const first = (i * QUEUES) / CONSUMERS;
      const queues = Array.from({ length: QUEUES_PER_CONSUMER }, (_, k) => queue(first + k));
      const pop = encodeCommand('BRPOP', ...queues, '0');
      client.onReply = (reply) => {
        if (!Array.isArray(reply)) return fail(replyError(reply));
        const id = Number(reply[1]);
        if (seen[id] !== 0) return fail(new Error(`message ${id} came twice or never was sent`));
        seen[id] = 1;
        silence.refresh();
        if (++count < messages) return client.send(pop);
        clearTimeout(silence);
        resolve();
      };
      client.send(pop);
    });
  });
}

function replyError(reply: unknown): Error {
  return reply instanceof Error ? reply : new Error(`BRPOP answered ${String(reply)}`);
}

async function allEmpty(port: number): Promise<void> {
  await withClient(port, async (client) => {
    const left = await client.request('DBSIZE');
    if (left !== 0) throw new Error(`${left} queues still hold messages`);
  });
}
