/**
 * EXEC with scripts over several shards: each command sees what those before it did, also where a
 * script used keys of another shard that it did not name. (BullMQ adds flows so: parent, children,
 * and last a script that looks whether there are children.)
 */
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { startServer } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const ROUNDS = 60;
const ADD = "return redis.call('SADD', ARGV[1], 'member')";
const COUNT = "return redis.call('SCARD', KEYS[1])";
const READ = "return redis.call('GET', ARGV[1])";

for (const shards of [0, 2, 4]) {
  void t.test(`scripts of an EXEC run in their order: ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    for (let i = 0; i < ROUNDS; i++) {
      await client.text('MULTI');
      await client.text('EVAL', ADD, 1, `own:${i}`, `foreign:${i}`);
      await client.text('EVAL', COUNT, 1, `foreign:${i}`);
      await client.text('SET', `plain:${i}`, `value ${i}`);
      await client.text('EVAL', READ, 1, `another:${i}`, `plain:${i}`);
      await client.text('MSET', `x:${i}`, 1, `y:${i}`, 2);
      await client.text('EVAL', READ, 1, `another:${i}`, `y:${i}`);
      await client.text('DEL', `x:${i}`);
      await client.text('EVAL', READ, 1, `y:${i}`, `x:${i}`);
      const wanted = [1, 1, 'OK', `value ${i}`, 'OK', '2', 1, null];
      t.strictSame(await client.value('EXEC'), wanted);
    }
  });
}
