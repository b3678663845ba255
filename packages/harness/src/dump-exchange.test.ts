/**
 * DUMP and RESTORE between redis-server and hashlane, of values of all types in all their forms:
 * each server makes values, the other restores them, and the digests of both are compared.
 */
import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { testUnlessMissing } from './redis-oracle.ts';
import { oracleMissing, type RawClient, SeededRandom, startOracle, startServer } from './tools.ts';
import { valueShapes } from './value-shapes.ts';

t.setTimeout(TEST_MS_MAX);

const ROUNDS = 3;

/** Makes a value of each shape and returns the keys. */
async function makeValues(client: RawClient, seed: number): Promise<string[]> {
  const random = new SeededRandom(seed);
  const keys: string[] = [];
  for (const [name, shape] of valueShapes(random)) {
    const key = `${seed}: ${name}`;
    for (const words of shape(key, random)) await client.text(...words);
    keys.push(key);
  }
  return keys;
}

/** The bytes of a bulk string reply. */
function bulk(raw: string): Buffer {
  return Buffer.from(raw.slice(raw.indexOf('\r\n') + 2, -2), 'latin1');
}

/** Carries keys from one server to another; the ones that arrive with other contents fail. */
async function carry(
  t: Test,
  from: RawClient,
  to: RawClient,
  keys: readonly string[],
  mode: string,
) {
  for (const key of keys) {
    const payload = bulk(await from.call('DUMP', key));
    const restored = await to.call('RESTORE', key, 0, payload, 'REPLACE');
    if (restored !== '+OK\r\n') t.fail(`${mode}, ${key}: ${restored}`);
    const [theirs, ours] = await Promise.all(
      [from, to].map((client) => client.call('DEBUG', 'DIGEST-VALUE', key)),
    );
    if (theirs !== ours) t.fail(`${mode}, ${key}: other contents`);
    const [type, same] = await Promise.all([from, to].map((client) => client.call('TYPE', key)));
    t.equal(type, same, `${mode}, ${key}`);
  }
}

for (const shards of [0, 2]) {
  testUnlessMissing(t, `values of all shapes, ${shards} shards`, oracleMissing(), async (t) => {
    const args = ['--enable-debug-command', 'yes'];
    await using server = await startServer({ shards, args });
    await using oracle = await startOracle({ args });
    using here = await server.connect();
    using there = await oracle.connect();
    for (let seed = 1; seed <= ROUNDS; seed++) {
      await carry(t, there, here, await makeValues(there, seed), 'from redis');
      await carry(t, here, there, await makeValues(here, 100 + seed), 'to redis');
      // What came from there goes back again, in the forms it has here.
      const keys = (await here.value('KEYS', `${seed}: *`)) as string[];
      await there.text('DEL', ...keys);
      await carry(t, here, there, keys, 'back to redis');
    }
  });

  testUnlessMissing(t, `options of RESTORE, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    await there.text('RPUSH', 'l', 'a', 'b');
    const list = bulk(await there.call('DUMP', 'l'));
    const broken = Buffer.from(list);
    broken[3]! ^= 1;
    // A list that promises nodes which are not there, with the right checksum.
    const unsound = Buffer.from('120909090a00d7ed53e49df1adf1', 'hex');
    const unchecked = Buffer.concat([list.subarray(0, -8), Buffer.alloc(8)]);
    const later = Buffer.from(list);
    later[later.length - 10] = 99;
    const programs = [
      ['RESTORE', 'k', 0, list],
      ['RESTORE', 'k', 0, list],
      ['RESTORE', 'k', 0, list, 'replace'],
      ['RESTORE', 'k', 0, broken, 'REPLACE'],
      ['RESTORE', 'k', 0, unsound, 'REPLACE'],
      ['RESTORE', 'k', 0, unchecked, 'REPLACE'],
      ['RESTORE', 'k', 0, later, 'REPLACE'],
      ['RESTORE', 'k', 0, 'x', 'REPLACE'],
      ['RESTORE', 'k', 0, '', 'REPLACE'],
      ['LRANGE', 'k', 0, -1],
      ['RESTORE', 'k2', -1, list],
      ['RESTORE', 'k2', 'x', list],
      ['RESTORE', 'k2', 0, list, 'NOPE'],
      ['RESTORE', 'k2', 0, list, 'IDLETIME'],
      ['RESTORE', 'k2', 0, list, 'IDLETIME', -1],
      ['RESTORE', 'k2', 0, list, 'IDLETIME', 'x'],
      ['RESTORE', 'k2', 0, list, 'FREQ', 256],
      ['RESTORE', 'k2', 0, list, 'FREQ', -1],
      ['RESTORE', 'k2', 0, list, 'FREQ', 5, 'IDLETIME', 5],
      ['RESTORE', 'k2', 0, list, 'IDLETIME', 5, 'FREQ', 5],
      ['EXISTS', 'k2'],
      ['RESTORE', 'k2', 0, list, 'IDLETIME', 1000],
      ['OBJECT', 'IDLETIME', 'k2'],
      ['OBJECT', 'FREQ', 'k2'],
      ['RESTORE', 'k3', 33_000_000_000_000, list, 'ABSTTL'],
      ['PEXPIRETIME', 'k3'],
      ['RESTORE', 'k3', 1000, list, 'ABSTTL', 'REPLACE'],
      ['EXISTS', 'k3'],
      ['RESTORE', 'k3', 1000, list, 'ABSTTL'],
      ['EXISTS', 'k3'],
      ['DUMP', 'none'],
      ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu'],
      ['RESTORE', 'k4', 0, list, 'FREQ', 77],
      ['OBJECT', 'FREQ', 'k4'],
      ['RESTORE', 'k5', 0, list],
      ['OBJECT', 'FREQ', 'k5'],
      ['RESTORE', 'k6', 0, list, 'IDLETIME', 77],
      ['OBJECT', 'IDLETIME', 'k6'],
      ['TTL', 'k6'],
      ['RESTORE', 'k', 0],
      ['DUMP', 'a', 'b'],
    ];
    for (const words of programs) {
      const [theirs, ours] = await Promise.all([there.call(...words), here.call(...words)]);
      t.equal(ours, theirs, words.filter((word) => !Buffer.isBuffer(word)).join(' '));
    }
    await here.text('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await here.text('SET', 'k7', 'x', 'PX', 60_000);
    t.match(await here.call('RESTORE', 'k7', 5000, list, 'REPLACE'), '+OK');
    const ttl = Number(await here.value('PTTL', 'k7'));
    t.ok(ttl > 0 && ttl <= 5000, 'the deadline is the new one');
  });
}
