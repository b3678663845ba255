/**
 * Mutated traffic: good requests with bytes changed, cut out, doubled and put in, on many short
 * connections, some of them reset in the middle. Whatever comes in, the server must go on, forget
 * every connection and not grow.
 *
 * By hand: `node packages/harness/src/protocol/traffic.fuzz.ts [seed] [connections] [shards]`.
 */

import { RawClient, request } from '../raw-client.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { waitFor } from '../wait-for.ts';
import { vectors } from './vectors.ts';

/** Words that would end the server or make it wait for long. */
const HARMFUL = /shutdown|debug|monitor|pause|client|config|sleep|save|block|b[lr]pop|b[lr]mpop/i;

const GOOD: readonly Buffer[] = [
  ...vectors.filter(({ bytes }) => bytes.length < 2000).map(({ bytes }) => bytes),
  request('LPUSH', 'list', 'a', 'b', 'c'),
  request('LRANGE', 'list', 0, -1),
  request('MSET', 'a', 1, 'b', 2, 'c', 3),
  request('MGET', 'a', 'b', 'c', 'list'),
  request('SET', 'k', 'v', 'PX', 100_000),
  request('SCAN', 0, 'MATCH', '*', 'COUNT', 10),
  request('RENAME', 'a', 'b'),
  request('LMPOP', 2, 'list', 'other', 'LEFT', 'COUNT', 2),
];

/** Bytes of one connection. */
export function traffic(random: SeededRandom): Buffer {
  const parts = Array.from({ length: 1 + random.below(6) }, () => random.pick(GOOD));
  let bytes: Buffer = Buffer.concat(parts);
  for (let i = random.below(4); i > 0; i--) bytes = mutate(random, bytes);
  return HARMFUL.test(bytes.latin1Slice()) ? request('PING') : bytes;
}

function mutate(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(12));
  const [head, part, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([head, tail]);
    case 1:
      return Buffer.concat([head, part, part, tail]);
    case 2:
      return Buffer.concat([head, random.bytes(random.below(6)), part, tail]);
    case 3:
      return Buffer.concat([head, Buffer.from(random.pick(SPLINTERS)), part, tail]);
    default:
      return bytes.subarray(0, at);
  }
}

const SPLINTERS = ['*', '$', '\r\n', '*-1\r\n', '$-1\r\n', '*1000000\r\n', '$100000000\r\n', '"'];

/** Feeds `connections` connections, a few at a time. Throws when the server does not survive. */
export async function fuzzTraffic(
  server: ServerProcess,
  seed: number,
  connections: number,
): Promise<void> {
  const random = new SeededRandom(seed);
  using witness = await server.connect();
  await witness.call('PING');
  for (let done = 0; done < connections; done += 20) {
    await Promise.all(Array.from({ length: 20 }, () => feed(server.port, random)));
    const reply = await witness.call('PING');
    if (reply !== '+PONG\r\n') throw new Error(`seed ${seed}: PING was answered ${reply}`);
  }
  await waitFor(
    'all connections but one to be forgotten',
    () => witness.info('connected_clients'),
    (clients) => clients === '1',
  );
}

async function feed(port: number, random: SeededRandom): Promise<void> {
  const client = await RawClient.connect(port);
  const bytes = traffic(random);
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(200);
    client.send(bytes.subarray(at, at + length));
    at += length;
  }
  if (random.oneIn(3)) client.reset();
  else client.socket.end();
  // A server that waits for more bytes of a request closes when it sees the end of the input.
  client.socket.resume();
  await client.closed;
}

if (import.meta.main) {
  const [seed = 1, connections = 20_000, shards = 0] = process.argv.slice(2).map(Number);
  await using server = await startServer({ shards });
  await fuzzTraffic(server, seed, connections);
  console.log(`seed ${seed}: ${connections} connections, ${server.residentBytes} bytes resident`);
}
