/**
 * Blocking pops across clients: who is served, in which order, and what happens to those who leave.
 * Over no shards, one and two; where a test names several keys they lie on different shards.
 */

import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { type RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const NULL_ARRAY = '*-1\r\n';

/** `*n` of bulk strings, as BLPOP answers. */
function bulks(...texts: readonly string[]): string {
  return request(...texts).toString('latin1');
}

/** Resolves when so many clients are blocked: the state that every test here waits for. */
async function blocked(observer: RawClient, count: number): Promise<void> {
  await waitFor(
    `${count} blocked clients`,
    () => observer.info('blocked_clients'),
    (answer) => answer === String(count),
  );
}

/** Sends a command whose reply comes later. */
async function sendBlocking(
  server: ServerProcess,
  observer: RawClient,
  count: number,
  ...words: readonly (string | number)[]
): Promise<RawClient> {
  const client = await server.connect();
  client.send(request(...words));
  await blocked(observer, count);
  return client;
}

type Scenario = (t: Test, server: ServerProcess, observer: RawClient) => Promise<void>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'first come, first served': async (t, server, observer) => {
    const waiters: RawClient[] = [];
    for (let i = 1; i <= 5; i++) {
      waiters.push(await sendBlocking(server, observer, i, 'BLPOP', 'queue', 0));
    }
    for (let i = 0; i < 5; i++) await observer.text('RPUSH', 'queue', `job:${i}`);
    for (const [i, waiter] of waiters.entries()) {
      t.equal(await waiter.reply(), bulks('queue', `job:${i}`));
      waiter[Symbol.dispose]();
    }
    await blocked(observer, 0);
  },

  'one push serves many': async (t, server, observer) => {
    const waiters: RawClient[] = [];
    for (let i = 1; i <= 4; i++) {
      waiters.push(await sendBlocking(server, observer, i, 'BRPOP', 'queue', 0));
    }
    t.equal(await observer.call('RPUSH', 'queue', 'a', 'b', 'c'), ':3\r\n');
    t.equal(await waiters[0]!.reply(), bulks('queue', 'c'));
    t.equal(await waiters[1]!.reply(), bulks('queue', 'b'));
    t.equal(await waiters[2]!.reply(), bulks('queue', 'a'));
    await blocked(observer, 1);
    t.equal(await observer.call('LPUSH', 'queue', 'd', 'e'), ':2\r\n');
    t.equal(await waiters[3]!.reply(), bulks('queue', 'd'));
    t.equal(await observer.call('LRANGE', 'queue', 0, -1), bulks('e'));
    for (const waiter of waiters) waiter[Symbol.dispose]();
  },

  'several keys': async (t, server, observer) => {
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      using waiter = await sendBlocking(server, observer, 1, 'BLPOP', ...'abcdef', 0);
      await observer.text('RPUSH', key, `in ${key}`, 'left');
      t.equal(await waiter.reply(), bulks(key, `in ${key}`));
      await blocked(observer, 0);
      t.equal(await observer.call('LRANGE', key, 0, -1), bulks('left'), 'nothing else is taken');
      await observer.text('DEL', key);
    }
  },

  'several keys, several waiters': async (t, server, observer) => {
    const keys = [...'abcdefgh'];
    const waiters: RawClient[] = [];
    for (let i = 1; i <= 20; i++) {
      waiters.push(await sendBlocking(server, observer, i, 'BRPOP', ...keys, 0));
    }
    observer.send(Buffer.concat(keys.map((key) => request('RPUSH', key, 1, 2, 3))));
    await observer.replies(keys.length);
    const replies = await Promise.all(waiters.map((waiter) => waiter.reply()));
    t.equal(new Set(replies).size, 20, 'no element is delivered twice');
    let left = 0;
    for (const key of keys) left += Number(await observer.value('LLEN', key));
    t.equal(left, 4, 'the others are still there');
    for (const waiter of waiters) waiter[Symbol.dispose]();
  },

  'BLMPOP over keys': async (t, server, observer) => {
    using waiter = await sendBlocking(
      server,
      observer,
      1,
      ...'BLMPOP 0 3 a b c LEFT COUNT 2'.split(' '),
    );
    await observer.text('RPUSH', 'b', 1, 2, 3);
    t.equal(await waiter.reply(), `*2\r\n$1\r\nb\r\n${bulks('1', '2')}`);
    t.equal(await observer.call('LRANGE', 'b', 0, -1), bulks('3'));
  },

  'time-outs': async (t, server, observer) => {
    using client = await server.connect();
    t.equal(await client.call('BLPOP', 'a', 'b', 'c', 0.02), NULL_ARRAY);
    t.equal(await client.call('BRPOP', 'a', 0.02), NULL_ARRAY);
    t.equal(await client.call('BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0.02), NULL_ARRAY);
    t.equal(await client.call('BRPOPLPUSH', 'a', 'b', 0.02), NULL_ARRAY);
    t.equal(await client.call('BLMPOP', 0.02, 2, 'a', 'b', 'LEFT'), NULL_ARRAY);
    await client.text('HELLO', 3);
    t.equal(await client.call('BLPOP', 'a', 'b', 'c', 0.02), '_\r\n');
    t.equal(await client.call('BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0.02), '_\r\n');
    await observer.text('RPUSH', 'a', 'x');
    t.equal(await observer.call('LLEN', 'a'), ':1\r\n', 'a waiter that gave up takes nothing');
  },

  'CLIENT UNBLOCK': async (t, server, observer) => {
    for (const keys of [['a'], ['a', 'b', 'c', 'd']]) {
      using client = await server.connect();
      const id = Number(await client.value('CLIENT', 'ID'));
      client.send(request('BLPOP', ...keys, 0));
      await blocked(observer, 1);
      t.equal(await observer.call('CLIENT', 'UNBLOCK', id), ':1\r\n');
      t.equal(await client.reply(), NULL_ARRAY);
      client.send(request('BLPOP', ...keys, 0));
      await blocked(observer, 1);
      t.equal(await observer.call('CLIENT', 'UNBLOCK', id, 'ERROR'), ':1\r\n');
      t.equal(await client.reply(), '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n');
      t.equal(await observer.call('CLIENT', 'UNBLOCK', id), ':0\r\n');
      t.equal(await client.call('PING'), '+PONG\r\n');
      await observer.text('RPUSH', 'a', 'x');
      t.equal(await observer.call('LPOP', 'a'), '$1\r\nx\r\n');
    }
  },

  'a client that leaves takes nothing': async (t, server, observer) => {
    const waysOut = [
      (client: RawClient) => client.reset(),
      (client: RawClient) => client.socket.destroy(),
      (client: RawClient) => client.socket.end(),
    ];
    for (const leave of waysOut) {
      for (const keys of [['a'], ['a', 'b', 'c', 'd']]) {
        const gone = await sendBlocking(server, observer, 1, 'BLPOP', ...keys, 0);
        using stays = await sendBlocking(server, observer, 2, 'BLPOP', ...keys, 0);
        leave(gone);
        await blocked(observer, 1);
        await observer.text('RPUSH', 'a', 'x', 'y');
        t.equal(await stays.reply(), bulks('a', 'x'));
        t.equal(await observer.call('LRANGE', 'a', 0, -1), bulks('y'));
        await observer.text('DEL', 'a');
      }
    }
  },

  'a client that hangs up behind its request': async (t, server, observer) => {
    for (const keys of [['a'], ['a', 'b', 'c', 'd']]) {
      const gone = await server.connect();
      gone.socket.end(Buffer.concat([request('PING'), request('BLPOP', ...keys, 0)]));
      t.equal(await gone.reply(), '+PONG\r\n', 'what it is owed still comes');
      await waitFor(
        'its end',
        () => observer.info('connected_clients'),
        (answer) => answer === '1',
      );
      await blocked(observer, 0);
      await observer.text('RPUSH', 'a', 'x');
      t.equal(await observer.call('LPOP', 'a'), '$1\r\nx\r\n');
    }
  },

  'a client killed before the push, in one packet with it': async (t, server, observer) => {
    for (const keys of [['a'], ['a', 'b', 'c', 'd']]) {
      for (let round = 0; round < 20; round++) {
        using victim = await server.connect();
        const id = Number(await victim.value('CLIENT', 'ID'));
        victim.send(request('BLPOP', ...keys, 0));
        await blocked(observer, 1);
        const kill = request('CLIENT', 'KILL', 'ID', id);
        observer.send(Buffer.concat([kill, request('RPUSH', 'a', 'x', 'y')]));
        t.equal(await observer.reply(), ':1\r\n');
        t.match(await observer.reply(), /^:/);
        t.equal(await victim.rest(), '', 'the victim gets nothing');
        // An element that was on its way to the victim goes back to where it was.
        await waitFor(
          'both elements',
          () => observer.call('LRANGE', 'a', 0, -1),
          (reply) => reply === bulks('x', 'y'),
        );
        await observer.text('DEL', 'a');
      }
    }
  },

  'a chain of BLMOVE': async (t, server, observer) => {
    const moves = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ] as const;
    const waiters: RawClient[] = [];
    for (const [i, [from, to]] of moves.entries()) {
      const words = ['BLMOVE', from, to, 'LEFT', 'RIGHT', 0];
      waiters.push(await sendBlocking(server, observer, i + 1, ...words));
    }
    using last = await sendBlocking(server, observer, 4, 'BLPOP', 'd', 0);
    await observer.text('RPUSH', 'a', 'x');
    t.equal(await last.reply(), bulks('d', 'x'));
    for (const waiter of waiters) t.equal(await waiter.reply(), '$1\r\nx\r\n');
    t.equal(await observer.call('DBSIZE'), ':0\r\n');
    for (const waiter of waiters) waiter[Symbol.dispose]();
  },

  'BLMOVE to a key of another type': async (t, server, observer) => {
    await observer.text('SET', 'b', 'v');
    using waiter = await sendBlocking(server, observer, 1, 'BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0);
    await observer.text('RPUSH', 'a', 'x');
    t.match(await waiter.reply(), /^-WRONGTYPE /);
    t.equal(await observer.call('LRANGE', 'a', 0, -1), bulks('x'), 'the element stays');
  },

  'another type under the key': async (t, server, observer) => {
    using waiter = await sendBlocking(server, observer, 1, 'BLPOP', 'a', 'b', 0);
    await observer.text('SET', 'a', 'v');
    await observer.text('DEL', 'a');
    await observer.text('RPUSH', 'a', 'x');
    t.equal(await waiter.reply(), bulks('a', 'x'));
  },

  'a list by RENAME, COPY, MOVE and SWAPDB': async (t, server, observer) => {
    for (const words of ['RENAME from a', 'COPY from a', 'RENAMENX from a']) {
      await observer.text('RPUSH', 'from', 'x');
      using waiter = await sendBlocking(server, observer, 1, 'BLPOP', 'a', 0);
      await observer.text(...words.split(' '));
      t.equal(await waiter.reply(), bulks('a', 'x'), words);
      await observer.text('FLUSHALL');
    }
    for (const words of ['MOVE a 0', 'SWAPDB 0 1', 'SWAPDB 1 0']) {
      using waiter = await sendBlocking(server, observer, 1, 'BLPOP', 'a', 0);
      using other = await server.connect();
      await other.text('SELECT', 1);
      await other.text('RPUSH', 'a', 'x');
      await other.text(...words.split(' '));
      t.equal(await waiter.reply(), bulks('a', 'x'), words);
      await observer.text('FLUSHALL');
    }
  },

  'of keys that appear at once the first one serves': async (t, server, observer) => {
    const script = "for i, key in ipairs(KEYS) do redis.call('RPUSH', key, ARGV[i]) end";
    const fill = [request('RPUSH', 'b', 'y'), request('RPUSH', 'a', 'x')];
    const swap = ['COPY {a} {a} DB 1', 'SWAPDB 0 1'].map((line) => request(...line.split(' ')));
    const ways: readonly (readonly Buffer[])[] = [
      [request('MULTI'), ...fill, request('EXEC')],
      [request('SELECT', 1), ...fill, request('SELECT', 0), ...swap],
      [request('EVAL', script, 4, 'd', 'c', 'b', 'a', 1, 2, 'y', 'x')],
    ];
    // Sorted to keep the shard of `a` busy, so that of `b` is faster.
    using busy = await server.connect();
    const many = Array.from({ length: 20_000 }, (_, i) => `e${(i * 7919) % 20_000}`);
    await busy.text('RPUSH', '{a}', ...many);
    for (const way of ways) {
      for (const words of ['BLPOP a b 0', 'BLMPOP 0 2 a b LEFT']) {
        using waiter = await sendBlocking(server, observer, 1, ...words.split(' '));
        const sorted = busy.call('SORT', '{a}', 'ALPHA');
        observer.send(Buffer.concat(way));
        await observer.replies(way.length);
        const isMany = words.startsWith('BLMPOP');
        t.equal(await waiter.reply(), isMany ? `*2\r\n$1\r\na\r\n${bulks('x')}` : bulks('a', 'x'));
        t.equal(await observer.call('LRANGE', 'b', 0, -1), bulks('y'));
        await sorted;
        await observer.text('DEL', 'a', 'b', 'c', 'd');
      }
    }
  },

  'FLUSHALL keeps waiters': async (t, server, observer) => {
    using waiter = await sendBlocking(server, observer, 1, 'BLPOP', 'a', 'b', 0);
    await observer.text('FLUSHALL');
    await observer.text('RPUSH', 'b', 'x');
    t.equal(await waiter.reply(), bulks('b', 'x'));
  },

  'commands behind a blocking one wait': async (t, server, observer) => {
    using client = await server.connect();
    client.send(
      Buffer.concat([
        request('PING'),
        request('BLPOP', 'a', 'b', 'c', 0),
        request('SET', 'k', 'v'),
        request('BLPOP', 'a', 0),
        request('GET', 'k'),
      ]),
    );
    t.equal(await client.reply(), '+PONG\r\n');
    await blocked(observer, 1);
    t.equal(await observer.call('EXISTS', 'k'), ':0\r\n');
    await observer.text('RPUSH', 'a', 1, 2);
    const rest = ['+OK\r\n', bulks('a', '2'), '$1\r\nv\r\n'];
    t.strictSame(await client.replies(4), [bulks('a', '1'), ...rest]);
  },

  'databases are apart': async (t, server, observer) => {
    using waiter = await sendBlocking(server, observer, 1, 'BLPOP', 'a', 'b', 0);
    using other = await server.connect();
    await other.text('SELECT', 1);
    await other.text('RPUSH', 'a', 'in 1');
    t.equal(await other.call('LLEN', 'a'), ':1\r\n');
    await observer.text('RPUSH', 'a', 'in 0');
    t.equal(await waiter.reply(), bulks('a', 'in 0'));
  },
};

for (const shards of [0, 1, 2]) {
  void t.test(`${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using observer = await server.connect();
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.test(name, (t) => scenario(t, server, observer));
      await observer.text('FLUSHALL');
    }
    t.equal(await observer.info('connected_clients'), '1', 'no connection is left');
  });
}

/**
 * The pushes that serve a consumer are with the shard already when the consumer goes: what the shard
 * pops for it must come back.
 */
const UNDELIVERED: readonly {
  readonly pop: readonly (string | number)[];
  readonly push: readonly (string | number)[];
  readonly read: readonly string[];
}[] = [
  { pop: ['BLPOP', 'k', 0], push: ['RPUSH', 'k', 'a', 'b', 'c'], read: ['LRANGE', 'k', '0', '-1'] },
  { pop: ['BRPOP', 'k', 0], push: ['RPUSH', 'k', 'a', 'b', 'c'], read: ['LRANGE', 'k', '0', '-1'] },
  {
    pop: ['BLMPOP', 0, 1, 'k', 'LEFT', 'COUNT', 2],
    push: ['RPUSH', 'k', 'a', 'b', 'c'],
    read: ['LRANGE', 'k', '0', '-1'],
  },
  {
    pop: ['BLMPOP', 0, 1, 'k', 'RIGHT', 'COUNT', 2],
    push: ['RPUSH', 'k', 'a', 'b', 'c'],
    read: ['LRANGE', 'k', '0', '-1'],
  },
  {
    pop: ['BZPOPMIN', 'k', 0],
    push: ['ZADD', 'k', '1.5', 'a', '2', 'b'],
    read: ['ZRANGE', 'k', '0', '-1', 'WITHSCORES'],
  },
  {
    pop: ['BZPOPMAX', 'k', 0],
    push: ['ZADD', 'k', '1.5', 'a', '2', 'b'],
    read: ['ZRANGE', 'k', '0', '-1', 'WITHSCORES'],
  },
  {
    pop: ['BZMPOP', 0, 1, 'k', 'MIN', 'COUNT', 2],
    push: ['ZADD', 'k', '1.5', 'a', '2', 'b'],
    read: ['ZRANGE', 'k', '0', '-1', 'WITHSCORES'],
  },
];

for (const protocol of [2, 3]) {
  void t.test(`what was popped for a client that has gone, RESP${protocol}`, async (t) => {
    await using server = await startServer({
      shards: 1,
      args: ['--enable-debug-command', 'yes'],
    });
    using observer = await server.connect();
    using producer = await server.connect();
    using sleeper = await server.connect();
    await producer.call('PING');
    await sleeper.call('PING');
    for (const { pop, push, read } of UNDELIVERED) {
      await producer.text(...(push as [string]));
      const whole = await producer.call(...(read as [string]));
      await producer.text('DEL', 'k');
      const consumer = await server.connect();
      await consumer.text('HELLO', protocol);
      consumer.send(request(...pop));
      await blocked(observer, 1);
      const asleep = sleeper.call('DEBUG', 'SLEEP', '0.15');
      const pushed = producer.call(...(push as [string]));
      await waitFor(
        'the push to be on its way',
        () => observer.call('CLIENT', 'LIST'),
        (list) => list.includes(`cmd=${String(push[0]).toLowerCase()}`),
      );
      consumer.reset();
      await asleep;
      await pushed;
      await waitFor(
        `what ${pop[0]} took to be back`,
        () => observer.call(...(read as [string])),
        (now) => now === whole,
      );
      t.pass(`${pop.join(' ')}`);
      await observer.text('DEL', 'k');
    }
  });
}

/** 20 producers and 20 consumers over 100 queues; each message must arrive once. */
async function moveMessages(t: Test, server: ServerProcess, messages: number): Promise<void> {
  const queues = Array.from({ length: 100 }, (_, i) => `queue:${i}`);
  const each = messages / 20;
  const seen = new Set<string>();
  let twice = 0;
  const consumers = Array.from({ length: 20 }, async (_, c) => {
    using client = await server.connect();
    // Each begins its list of keys elsewhere; together they cover all.
    const keys = [...queues.slice(c * 5), ...queues.slice(0, c * 5)];
    for (;;) {
      const reply = (await client.value('BRPOP', ...keys, 0)) as readonly string[];
      if (reply[1] === 'end') return;
      if (seen.has(reply[1]!)) twice++;
      seen.add(reply[1]!);
    }
  });
  const producers = Array.from({ length: 20 }, async (_, p) => {
    using client = await server.connect();
    for (let i = 0; i < each; i += 50) {
      const batch = Array.from({ length: 50 }, (_, j) => `${p}:${i + j}`);
      client.send(
        Buffer.concat(batch.map((id, j) => request('LPUSH', queues[(p * 7 + i + j) % 100]!, id))),
      );
      await client.replies(batch.length);
    }
  });
  await Promise.all(producers);
  using client = await server.connect();
  await waitFor(
    'all messages',
    () => seen.size,
    (size) => size === messages,
  );
  for (let i = 0; i < 20; i++) await client.text('LPUSH', queues[i]!, 'end');
  await Promise.all(consumers);
  t.equal(seen.size, messages, 'each message arrived');
  t.equal(twice, 0, 'none twice');
  t.equal(await client.call('DBSIZE'), ':0\r\n');
}

for (const shards of [0, 1, 2]) {
  void t.test(`20 producers, 20 consumers, 100 queues, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    await moveMessages(t, server, Number(process.env.HASHLANE_TEST_MESSAGES ?? 20_000));
  });
}
