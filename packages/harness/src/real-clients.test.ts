/**
 * What people use: ioredis with both protocols, redis-cli, redis-benchmark. Each of them once over
 * no shards and over two.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { startServer, testUnlessMissing, toolMissing } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const run = promisify(execFile);

async function useIoredis(t: Test, redis: Redis): Promise<void> {
  t.match(await redis.info(), /redis_version:7\.4\.0[\s\S]*role:master/);
  t.equal(await redis.set('k', 'v', 'EX', 1000), 'OK');
  t.equal(await redis.get('k'), 'v');
  t.equal(await redis.get('none'), null);
  const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  await redis.set(binary, binary);
  t.strictSame(await redis.getBuffer(binary), binary);

  const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
  await redis.mset(keys.flatMap((key) => [key, `value of ${key}`]));
  t.strictSame(
    await redis.mget(keys),
    keys.map((key) => `value of ${key}`),
  );
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.get(key).incr(`count:${key}`);
  const results = (await pipeline.exec()) ?? [];
  t.equal(results.length, 2000);
  t.ok(results.every(([error]) => error === null));
  t.strictSame(results[1999], [null, 1]);

  const found = new Set<string>();
  for await (const page of redis.scanStream({ match: 'key:*', count: 100 })) {
    for (const key of page as string[]) found.add(key);
  }
  t.equal(found.size, 1000);
  t.equal(await redis.del(keys), 1000);
  await redis.lpush('list', 'a', 'b', 'c');
  t.strictSame(await redis.lrange('list', 0, -1), ['c', 'b', 'a']);
  t.strictSame(await redis.lmpop(1, 'list', 'LEFT', 'COUNT', 2), ['list', ['c', 'b']]);
  await t.rejects(redis.incr('list'), /^WRONGTYPE/);
  await t.rejects(redis.call('NOPE'), /unknown command/);
}

async function useQueue(t: Test, connect: () => Redis): Promise<void> {
  const [producer, consumer] = [connect(), connect()];
  const got: string[] = [];
  const consuming = (async () => {
    for (;;) {
      const item = await consumer.brpop('urgent', 'jobs', 0);
      if (item?.[1] === 'end') return;
      got.push(item?.[1] ?? '');
    }
  })();
  for (let i = 0; i < 500; i++) await producer.lpush(i % 50 === 0 ? 'urgent' : 'jobs', `job ${i}`);
  await producer.lpush('jobs', 'end');
  await consuming;
  t.equal(new Set(got).size, 500);
  producer.disconnect();
  consumer.disconnect();
}

for (const shards of [0, 2]) {
  for (const protocol of [2, 3] as const) {
    void t.test(`ioredis, RESP${protocol}, ${shards} shards`, async (t) => {
      await using server = await startServer({ shards });
      const connect = (options = {}): Redis =>
        new Redis({ port: server.port, host: '127.0.0.1', protocol, ...options });
      const redis = connect();
      await useIoredis(t, redis);
      redis.disconnect();
      const automatic = connect({ enableAutoPipelining: true, db: 3, connectionName: 'auto' });
      const replies = await Promise.all(
        Array.from({ length: 1000 }, (_, i) => automatic.incrby('sum', i)),
      );
      t.equal(replies.at(-1), 499_500);
      t.equal(await automatic.client('GETNAME'), 'auto');
      automatic.disconnect();
      await useQueue(t, connect);
    });
  }
}

void t.test('ioredis with a password', async (t) => {
  await using server = await startServer({ args: ['--requirepass', 'secret'] });
  for (const protocol of [2, 3] as const) {
    const redis = new Redis({ port: server.port, password: 'secret', protocol });
    t.equal(await redis.ping(), 'PONG');
    redis.disconnect();
  }
});

for (const shards of [0, 2]) {
  testUnlessMissing(t, `redis-cli, ${shards} shards`, toolMissing('redis-cli'), async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    for (let i = 0; i < 300; i++) await client.text('SET', `key:${i}`, 'v'.repeat(i));
    await client.text('RPUSH', 'list', ...Array.from({ length: 700 }, (_, i) => String(i)));
    const cli = async (...args: string[]): Promise<string> =>
      (await run('redis-cli', ['-p', String(server.port), ...args])).stdout;
    t.equal((await cli('--scan', '--pattern', 'key:*')).trim().split('\n').length, 300);
    const big = await cli('--bigkeys');
    t.match(big, /Biggest\s+string found .*key:299.* has 299 bytes/);
    t.match(big, /Biggest\s+list found .*list.* has 700 items/);
    t.equal(await cli('-3', 'GET', 'key:3'), 'vvv\n');
    t.match(await cli('-3', 'HELLO'), /proto/);
    t.match(await cli('INFO', 'server'), /redis_version:7\.4\.0/);
    t.match(await cli('-n', '2', 'DBSIZE'), /^0/);
    t.match(await cli('CLIENT', 'LIST'), /cmd=client\|list/);
    t.match(await cli('COMMAND', 'COUNT'), /^\d+/);
  });

  const missing = toolMissing('redis-benchmark');
  testUnlessMissing(t, `redis-benchmark, ${shards} shards`, missing, async (t) => {
    await using server = await startServer({ shards });
    const port = String(server.port);
    for (const extra of [[], ['-P', '16', '-r', '10000'], ['-3']]) {
      const args = ['-p', port, '-t', 'get,set,incr,lrange', '-n', '4000', '-q', ...extra];
      const { stdout, stderr } = await run('redis-benchmark', args);
      t.equal(stderr, '', `no warning with ${JSON.stringify(extra)}`);
      t.notMatch(stdout, /WARN|ERR|rror/);
      t.match(stdout, /LRANGE_600 .*requests per second/);
    }
  });
}
