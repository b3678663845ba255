/**
 * A shard that crashes: its outstanding and blocked clients get an error, the other shards do not
 * notice, and it comes back with the keys of the last snapshot.
 */

import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { type RawClient, request, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const DEBUG = ['--enable-debug-command', 'yes'];
const FAILED = /^-ERR internal error/;

/** Keys by the shard that owns them: those that fail while shard 0 is down, and the others. */
async function keysOfShards(client: RawClient, keys: readonly string[]) {
  // Crash and commands leave in one packet: what is answered with an error is the crashed shard's.
  client.send(
    Buffer.concat([
      request('DEBUG', 'CRASH-SHARD', 0),
      ...keys.map((key) => request('EXISTS', key)),
    ]),
  );
  const [, ...replies] = await client.replies(1 + keys.length);
  const isFailed = (_: string, i: number): boolean => FAILED.test(replies[i]!);
  return { crashed: keys.filter(isFailed), others: keys.filter((key, i) => !isFailed(key, i)) };
}

/** Resolves when every key is answered again. */
async function restarted(client: RawClient, keys: readonly string[]): Promise<void> {
  await waitFor('the shard to be back', async () => {
    client.send(Buffer.concat(keys.map((key) => request('EXISTS', key))));
    return (await client.replies(keys.length)).every((reply) => !reply.startsWith('-'));
  });
}

for (const shards of [1, 3]) {
  void t.test(`one of ${shards} shards crashes`, async (t) => {
    await using server = await startServer({ shards, args: DEBUG });
    using client = await server.connect();
    const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);
    await client.text('MSET', ...keys.flatMap((key) => [key, 'saved']));
    await client.text('SAVE');
    await client.text('MSET', ...keys.flatMap((key) => [key, 'newer']));
    const { crashed, others } = await keysOfShards(client, keys);
    t.ok(crashed.length > 0, `${crashed.length} keys failed`);
    t.equal(others.length === 0, shards === 1, `${others.length} keys went on`);
    await restarted(client, keys);
    for (const key of crashed) t.equal(await client.text('GET', key), 'saved');
    for (const key of others) t.equal(await client.text('GET', key), 'newer');
    t.match(server.log, /shard 0 failed/);
    t.match(server.log, /shard 0 restarted with \d+ keys/);
    t.equal(await client.call('SET', 'k', 'v'), '+OK\r\n');
  });
}

void t.test('clients blocked in the shard that crashes', async (t) => {
  await using server = await startServer({ shards: 2, args: DEBUG });
  using client = await server.connect();
  const keys = Array.from({ length: 40 }, (_, i) => `queue:${i}`);
  const { crashed, others } = await keysOfShards(client, keys);
  await restarted(client, keys);
  using inCrashed = await server.connect();
  using inOther = await server.connect();
  using inBoth = await server.connect();
  inCrashed.send(request('BLPOP', crashed[0]!, 0));
  inOther.send(request('BLPOP', others[0]!, 0));
  inBoth.send(request('BLPOP', crashed[1]!, others[1]!, 0));
  await waitFor(
    'three blocked clients',
    () => client.info('blocked_clients'),
    (count) => count === '3',
  );
  client.send(request('DEBUG', 'CRASH-SHARD', 0));
  t.match(await inCrashed.reply(), FAILED);
  t.match(await inBoth.reply(), FAILED);
  await client.reply();
  await restarted(client, keys);
  await client.text('RPUSH', others[0]!, 'x');
  t.equal(await inOther.reply(), request(others[0]!, 'x').toString());
  t.equal(await inCrashed.call('PING'), '+PONG\r\n');
  inCrashed.send(request('BLPOP', crashed[0]!, 0));
  await waitFor(
    'one blocked client',
    () => client.info('blocked_clients'),
    (count) => count === '1',
  );
  await client.text('RPUSH', crashed[0]!, 'y');
  t.equal(await inCrashed.reply(), request(crashed[0]!, 'y').toString());
});

void t.test('crash after crash', async (t) => {
  await using server = await startServer({ shards: 2, args: DEBUG });
  using client = await server.connect();
  const keys = Array.from({ length: 20 }, (_, i) => `key:${i}`);
  for (let i = 0; i < 5; i++) {
    await client.call('DEBUG', 'CRASH-SHARD', i % 2);
    await restarted(client, keys);
  }
  t.equal(await client.call('MSET', ...keys), '+OK\r\n');
  t.equal(await client.call('DBSIZE'), ':10\r\n');
  t.equal((await server.stop()).code, 0);
});
