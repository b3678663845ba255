/** MEMORY over shards: the reports have Redis's shape, and their sums are the keys'. */
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { testUnlessMissing } from './redis-oracle.ts';
import { oracleMissing, type RawClient, startOracle, startServer } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

/** Fields of MEMORY STATS with the kinds of their values. */
async function shapeOfStats(client: RawClient): Promise<string[]> {
  const fields = (await client.value('MEMORY', 'STATS')) as unknown[];
  const raw = await client.call('MEMORY', 'STATS');
  const kinds = fields.map((each, i) => {
    if (i % 2 === 0) return each;
    return Array.isArray(each) ? each.filter((_, j) => j % 2 === 0).join(' ') : typeof each;
  });
  return [raw.slice(0, 1), ...kinds.map(String)];
}

for (const shards of [0, 2]) {
  testUnlessMissing(t, `MEMORY STATS, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    for (const protocol of [2, 3]) {
      for (const client of [here, there]) {
        await client.text('HELLO', protocol);
        await client.text('MSET', 'a', 1, 'b', 2, 'c', 3);
        await client.text('SELECT', 3);
        await client.text('SET', 'd', 1, 'EX', 1000);
        await client.text('SELECT', 0);
      }
      t.strictSame(await shapeOfStats(here), await shapeOfStats(there), `RESP${protocol}`);
    }
  });

  void t.test(`MEMORY, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`);
    for (const key of keys) await client.text('SET', key, 'x'.repeat(key.length * 10));
    let sum = 0;
    for (const key of keys) sum += Number(await client.value('MEMORY', 'USAGE', key));
    const stats = (await client.value('MEMORY', 'STATS')) as (string | number)[];
    const field = (name: string): number => Number(stats[stats.indexOf(name) + 1]);
    t.equal(field('keys.count'), keys.length);
    t.ok(field('dataset.bytes') < sum && sum < field('total.allocated'));
    t.match(await client.text('MEMORY', 'DOCTOR'), /too little/);
    await client.text('SET', 'large', 'x'.repeat(8_000_000));
    t.match(await client.text('MEMORY', 'DOCTOR'), /\S/);
    t.match(await client.text('MEMORY', 'MALLOC-STATS'), /shard 0: used \d+/);
    t.equal(await client.call('MEMORY', 'PURGE'), '+OK\r\n');
    t.match(await client.call('MEMORY', 'HELP'), /^\*14\r\n/);
    t.match(
      await client.call('MEMORY', 'NOPE'),
      /^-ERR unknown subcommand 'NOPE'. Try MEMORY HELP/,
    );
  });
}
