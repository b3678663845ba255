/**
 * Commands over several shards under contention: in locked mode nobody sees half of one, in
 * lock-free mode somebody does (otherwise these tests would show nothing).
 */

import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { type RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const ROUNDS = 60;
const WORKERS = 8;

/** Runs `work` by so many clients at once, each so many rounds. */
async function crowd(
  server: ServerProcess,
  work: (client: RawClient, worker: number, round: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      using client = await server.connect();
      for (let round = 0; round < ROUNDS; round++) await work(client, worker, round);
    }),
  );
}

/** All replies of a transaction. */
async function transaction(client: RawClient, ...commands: (string | number)[][]) {
  await client.text('MULTI');
  for (const words of commands) await client.text(...(words as [string]));
  return client.value('EXEC');
}

/** Elements go back and forth between two lists; readers count both. Returns wrong counts. */
async function transfers(server: ServerProcess): Promise<number> {
  using setup = await server.connect();
  const [left, right] = await keysOnTwoShards(setup);
  await setup.text('RPUSH', left, ...Array.from({ length: 20 }, (_, i) => `e${i}`));
  let wrong = 0;
  await crowd(server, async (client, worker, round) => {
    if (worker % 2 === 0) {
      const [from, to] = round % 2 === 0 ? [left, right] : [right, left];
      await client.call('LMOVE', from, to, 'LEFT', 'RIGHT');
      return;
    }
    const lengths = (await transaction(client, ['LLEN', left], ['LLEN', right])) as number[];
    if ((lengths[0] as number) + (lengths[1] as number) !== 20) wrong++;
  });
  const all = (await transaction(setup, ['LLEN', left], ['LLEN', right])) as number[];
  if ((all[0] as number) + (all[1] as number) !== 20) throw new Error('elements were lost');
  return wrong;
}

/** A key is renamed back and forth; readers must see it under one of its names. */
async function renames(server: ServerProcess): Promise<number> {
  using setup = await server.connect();
  const [one, two] = await keysOnTwoShards(setup);
  await setup.text('DEL', one, two);
  await setup.text('SET', one, 'v');
  let wrong = 0;
  await crowd(server, async (client, worker, round) => {
    if (worker % 2 === 0) {
      const [from, to] = round % 2 === 0 ? [one, two] : [two, one];
      await client.call('RENAMENX', from, to);
    } else if ((await client.value('EXISTS', one, two)) !== 1) wrong++;
  });
  if ((await setup.value('EXISTS', one, two)) !== 1) throw new Error('the key was lost');
  return wrong;
}

/** Two counters on different shards are raised together under WATCH. Returns lost updates. */
async function updates(server: ServerProcess): Promise<number> {
  using setup = await server.connect();
  const [first, second] = await keysOnTwoShards(setup);
  await setup.text('MSET', first, 0, second, 0);
  let raised = 0;
  await crowd(server, async (client) => {
    await client.text('WATCH', first, second);
    const a = Number(await client.value('GET', first));
    const b = Number(await client.value('GET', second));
    const done = await transaction(client, ['SET', first, a + 1], ['SET', second, b + 1]);
    if (done !== null) raised++;
  });
  const [a, b] = (await setup.value('MGET', first, second)) as string[];
  if (raised === 0) throw new Error('nobody got through');
  return Math.max(raised - Number(a), raised - Number(b));
}

const ANOMALIES = { transfers, renames, updates } as const;

void t.test('locked: no anomaly', async (t) => {
  await using server = await startServer({ shards: 4 });
  using client = await server.connect();
  for (const [name, count] of Object.entries(ANOMALIES)) {
    t.equal(await count(server), 0, name);
    await client.text('FLUSHALL');
  }
  t.equal(await client.info('locked_keys'), '0');
  t.not(await client.info('lock_conflicts'), '0');
  t.equal(await client.info('isolation'), 'locked');
});

void t.test('lock-free: anomalies', async (t) => {
  await using server = await startServer({ shards: 4, args: ['--isolation', 'lock-free'] });
  let anomalies = 0;
  for (let tries = 0; tries < 20 && anomalies === 0; tries++) {
    using client = await server.connect();
    anomalies += (await transfers(server)) + (await updates(server));
    await client.text('FLUSHALL');
  }
  t.not(anomalies, 0, 'somebody saw half of something');
});

void t.test('an element that BLMOVE waits for is always in one of the lists', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  using waiter = await server.connect();
  const [source, target] = await keysOnTwoShards(client);
  for (let round = 0; round < 20; round++) {
    const moved = waiter.value('BLMOVE', source, target, 'RIGHT', 'LEFT', 0);
    await waitFor(
      'a client that waits',
      () => client.info('blocked_clients'),
      (count) => count === '1',
    );
    // In one write: the lists are looked at before anybody could have moved the element.
    const commands = [['LPUSH', source, 'x'], ['MULTI'], ['LLEN', source], ['LLEN', target]];
    client.send(Buffer.concat([...commands, ['EXEC']].map((words) => request(...words))));
    const replies = await client.replies(5);
    t.equal(replies[4], `*2\r\n:1\r\n:${round}\r\n`, 'as many as were pushed');
    t.equal(await moved, 'x');
  }
});

void t.test('scripts see all or nothing of commands that may wait', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  const [one, two] = await keysOnTwoShards(client);
  // Neither key is declared, so no lock tells the scripts to wait.
  const script = (command: string): string =>
    `local a, b = redis.call(${command.replace('KEY', 'ARGV[1]')}),
       redis.call(${command.replace('KEY', 'ARGV[2]')})
     return {a, b}`;
  const wrong: unknown[] = [];
  const isOdd = (worker: number): boolean => worker % 2 === 1;

  await client.text('LPUSH', one, 'element');
  await crowd(server, async (client, worker) => {
    const keys = worker % 4 < 2 ? [one, two] : [two, one];
    if (isOdd(worker)) {
      // As many there as back, so every one gets the element in the end.
      await client.text('BLMOVE', ...(keys as [string, string]), 'LEFT', 'LEFT', 0);
      return;
    }
    const lengths = await client.value('EVAL', script("'LLEN', KEY"), 1, 'x', ...keys);
    const [a, b] = lengths as [number, number];
    if (a + b !== 1) wrong.push(lengths);
  });
  t.strictSame(wrong, [], 'the element is in one of the lists');

  await client.text('DEL', one, two);
  // So that nobody has to wait: who waits is served from the first stream that has something.
  await client.value('EVAL', script("'XADD', KEY, '*', 'f', 'v'"), 1, 'x', one, two);
  await crowd(server, async (client, worker) => {
    if (isOdd(worker)) {
      await client.value('EVAL', script("'XADD', KEY, '*', 'f', 'v'"), 1, 'x', one, two);
      return;
    }
    const found = await client.value('XREAD', 'BLOCK', 1, 'STREAMS', one, two, 0, 0);
    const lengths = (found as [string, unknown[]][]).map(([, entries]) => entries.length);
    if (lengths[0] !== lengths[1]) wrong.push(lengths);
  });
  t.strictSame(wrong, [], 'both streams have as many entries');
});

void t.test('what waits for a lock', async (t) => {
  await using server = await startServer({
    shards: 2,
    args: ['--enable-debug-command', 'yes'],
  });
  using client = await server.connect();
  using observer = await server.connect();
  using sleeper = await server.connect();
  await client.call('PING');
  const [source, target] = await keysOnTwoShards(observer);
  await observer.text('SET', source, 'v');
  // The shards sleep, so the first phase of RENAME takes its time.
  const asleep = sleeper.call('DEBUG', 'SLEEP', '0.3');
  const renamed = client.call('RENAME', source, target);
  using waiter = await server.connect();
  const found = waiter.call('GET', target);
  await waitFor(
    'a client that waits for a lock',
    () => observer.call('CLIENT', 'LIST'),
    (list) => /flags=l .*cmd=get/.test(list),
  );
  using leaver = await server.connect();
  leaver.send('*2\r\n$3\r\nDEL\r\n$1\r\nx\r\n');
  const gone = leaver.call('DEL', target);
  await waitFor(
    'a second one',
    () => observer.call('CLIENT', 'LIST'),
    (list) => /flags=l .*cmd=del/.test(list),
  );
  leaver.reset();
  await t.rejects(gone);
  t.equal(await renamed, '+OK\r\n');
  t.equal(await found, '$1\r\nv\r\n');
  t.equal(await asleep, '+OK\r\n');
  t.equal(await observer.call('GET', target), '$1\r\nv\r\n', 'nothing was done for who left');
  t.equal(await observer.info('locked_keys'), '0');
});

/** Two keys that no shard has both of. */
async function keysOnTwoShards(client: RawClient): Promise<[string, string]> {
  // Counted are transactions of several phases over several shards: RENAME of keys on two is one.
  const before = await client.info('multi_shard_transactions');
  for (let i = 0; i < 100; i++) {
    await client.call('RENAME', 'k', `k${i}`);
    if ((await client.info('multi_shard_transactions')) !== before) return ['k', `k${i}`];
  }
  throw new Error('all keys are on one shard');
}
