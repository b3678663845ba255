/**
 * The protocol against redis-server: the same bytes, whole, byte by byte and randomly split, must
 * give the same replies to the last byte, and close the connection in the same places.
 */

import t, { type Test } from 'tap';
import { TEST_MS_MAX } from '../limits.ts';
import {
  oracleMissing,
  RawClient,
  request,
  SeededRandom,
  type ServerProcess,
  startOracle,
  startServer,
  testUnlessMissing,
} from '../tools.ts';
import { type Vector, vectors } from './vectors.ts';

t.setTimeout(TEST_MS_MAX);

/** Marks the end of the replies of a vector that leaves the connection open. */
const END = 'the end of this vector';
const END_REPLY = `$${END.length}\r\n${END}\r\n`;

type Cut = (bytes: Buffer) => Buffer[];

const whole: Cut = (bytes) => [bytes];
const bytewise: Cut = (bytes) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));

function randomly(seed: number): Cut {
  return (bytes) => {
    const random = new SeededRandom(seed);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random.below(random.oneIn(3) ? 3 : 40);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    return pieces;
  };
}

/** All replies to the vector, and whether the connection was closed behind them. */
async function transcript(port: number, vector: Vector, cut: Cut): Promise<string> {
  using client = await RawClient.connect(port);
  for (const piece of cut(vector.bytes)) {
    client.send(piece);
    // Lets the piece leave before the next one; pieces still may arrive together.
    await new Promise(setImmediate);
  }
  if (vector.fails) return `${await client.rest()}(closed)`;
  client.send(request('ECHO', END));
  let replies = '';
  for (;;) {
    const reply = await client.reply();
    if (reply === END_REPLY) return replies;
    replies += reply;
  }
}

async function compare(t: Test, server: ServerProcess, name: string, cut: Cut): Promise<void> {
  await using oracle = await startOracle();
  for (const vector of vectors) {
    const isLong = vector.bytes.length > 5000;
    if (cut !== whole && (vector.onlyWhole || isLong)) continue;
    const theirs = await transcript(oracle.port, vector, cut);
    const ours = await transcript(server.port, vector, cut);
    t.equal(ours, theirs, `${name}: ${vector.name}`);
  }
}

for (const shards of [0, 2]) {
  testUnlessMissing(t, `vectors, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await compare(t, server, 'whole', whole);
    await compare(t, server, 'byte by byte', bytewise);
    for (const seed of [1, 2]) await compare(t, server, `split by seed ${seed}`, randomly(seed));
    using client = await server.connect();
    t.equal(await client.info('connected_clients'), '1', 'no connection is left');
  });
}

void t.test('limits before AUTH', async (t) => {
  await using server = await startServer({ args: ['--requirepass', 'secret'] });
  const cases = [
    [`*11\r\n`, '-ERR Protocol error: unauthenticated multibulk length\r\n'],
    [`*1\r\n$16385\r\n`, '-ERR Protocol error: unauthenticated bulk length\r\n'],
  ] as const;
  for (const [bytes, expected] of cases) {
    using client = await server.connect();
    client.send(bytes);
    t.equal(await client.rest(), expected);
  }
  using client = await server.connect();
  t.match(await client.call('GET', 'k'), /^-NOAUTH /);
  t.equal(await client.call('AUTH', 'secret'), '+OK\r\n');
  t.equal(await client.call('SET', 'k', 'x'.repeat(20_000)), '+OK\r\n');
});

void t.test('proto-max-bulk-len and the query buffer', async (t) => {
  await using server = await startServer({
    args: ['--proto-max-bulk-len', '1mb', '--client-query-buffer-limit', '2mb'],
  });
  using client = await server.connect();
  t.equal(await client.call('SET', 'k', Buffer.alloc(1024 * 1024)), '+OK\r\n');
  client.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${1024 * 1024 + 1}\r\n`);
  t.equal(await client.rest(), '-ERR Protocol error: invalid bulk length\r\n');
  using greedy = await server.connect();
  greedy.send('*1000\r\n');
  const argument = Buffer.concat([Buffer.from('$500000\r\n'), Buffer.alloc(500_002, 0x20)]);
  for (let i = 0; i < 10; i++) greedy.send(argument);
  await greedy.closed;
  t.pass('closed above the query buffer limit');
  using after = await server.connect();
  t.equal(await after.call('STRLEN', 'k'), ':1048576\r\n');
});
