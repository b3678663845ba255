/**
 * Publish and subscribe under load and with real clients: many subscribers get every message once
 * and in order, also between commands that shards answer; scripts and transactions publish what
 * they did; a subscriber that does not read is closed.
 */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { RawClient, request, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const MB = 1024 * 1024;
const SUBSCRIBERS = 200;
const MESSAGES = 1000;

/** A message as a subscriber in RESP2 gets it. */
function message(channel: string, text: string): string {
  return `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${text.length}\r\n${text}\r\n`;
}

async function subscribed(port: number, channel: string): Promise<RawClient> {
  const client = await RawClient.connect(port);
  await client.call('SUBSCRIBE', channel);
  return client;
}

/** The next `count` messages, which are numbers. */
async function readNumbers(client: RawClient, count: number): Promise<number[]> {
  const replies = await client.replies(count);
  return replies.map((reply) => Number(reply.split('\r\n').at(-2)));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

for (const shards of [0, 2]) {
  const where = `${shards} shards`;

  void t.test(`${SUBSCRIBERS} subscribers, ${where}`, async (t) => {
    await using server = await startServer({ shards });
    using publisher = await server.connect();
    const clients = await Promise.all(
      numbers(SUBSCRIBERS).map(() => subscribed(server.port, 'news')),
    );
    using other = await subscribed(server.port, 'other');
    // Between the messages: others on another channel, and commands for shards.
    for (const n of numbers(MESSAGES)) {
      publisher.send(
        Buffer.concat([
          request('PUBLISH', 'news', n),
          request('INCR', 'count'),
          request('PUBLISH', 'other', n),
        ]),
      );
    }
    const replies = await publisher.replies(3 * MESSAGES);
    t.ok(replies.every((reply, i) => i % 3 !== 0 || reply === `:${SUBSCRIBERS}\r\n`));
    t.strictSame(await readNumbers(other, MESSAGES), numbers(MESSAGES));
    for (const client of clients) {
      const got = await readNumbers(client, MESSAGES);
      if (got.some((n, i) => n !== i)) t.fail(`wrong order: ${got.slice(0, 20)}`);
      client.send(request('PING'));
      // Nothing came twice.
      t.equal(await client.reply(), '*2\r\n$4\r\npong\r\n$0\r\n\r\n');
    }
    for (const client of clients) client[Symbol.dispose]();
    await waitFor(
      'all to be forgotten',
      () => publisher.call('PUBSUB', 'NUMSUB', 'news'),
      (reply) => reply.endsWith(':0\r\n'),
    );
    t.equal(await publisher.call('PUBSUB', 'CHANNELS'), '*1\r\n$5\r\nother\r\n');
  });

  void t.test(`what a message tells of is there, ${where}`, async (t) => {
    await using server = await startServer({ shards });
    using publisher = await server.connect();
    using listener = await subscribed(server.port, 'done');
    using reader = await server.connect();
    const write = [
      (n: number) => [
        ['MSET', 'a', n, 'b', n, 'c', n],
        ['PUBLISH', 'done', n],
      ],
      (n: number) => [
        ['MULTI'],
        ['PUBLISH', 'done', n],
        ['SET', 'a', n],
        ['SET', 'b', n],
        ['SET', 'c', n],
        ['EXEC'],
      ],
      (n: number) => [['EVAL', PUBLISHING, 3, 'a', 'b', 'c', n]],
      (n: number) => [
        ['SET', 'a', n],
        ['SET', 'b', n],
        ['SET', 'c', n],
        ['PUBLISH', 'done', n],
      ],
    ];
    for (const n of numbers(60)) {
      for (const words of write[n % 4]!(n)) publisher.send(request(...words));
      t.equal(await listener.reply(), message('done', String(n)));
      // By a script, which has ways of its own to the shards, or by commands.
      if (n % 3 === 0) {
        const values = await reader.text('EVAL', READING, 3, 'c', 'b', 'a');
        if (values !== `${n} ${n} ${n}`) t.fail(`values ${values} after message ${n}`);
      }
      for (const key of ['c', 'b', 'a']) {
        const value = await reader.text('GET', key);
        if (value !== String(n)) t.fail(`${key} is ${value} after message ${n}`);
      }
    }
  });

  void t.test(`scripts and commands of one client publish in its order, ${where}`, async (t) => {
    await using server = await startServer({ shards });
    using publisher = await server.connect();
    using listener = await subscribed(server.port, 'c');
    const script = "redis.call('INCR', KEYS[1]); return redis.call('PUBLISH', 'c', ARGV[1])";
    for (let n = 0; n < 400; n += 4) {
      publisher.send(
        Buffer.concat([
          request('EVAL', script, 1, `key:${n}`, n),
          request('PUBLISH', 'c', n + 1),
          request('EVAL', script, 1, `key:${n + 1}`, n + 2),
          request('GET', `key:${n}`),
          request('PUBLISH', 'c', n + 3),
        ]),
      );
    }
    const replies = await publisher.replies(500);
    t.ok(replies.every((reply, i) => reply === (i % 5 === 3 ? '$1\r\n1\r\n' : ':1\r\n')));
    t.strictSame(await readNumbers(listener, 400), numbers(400));
  });

  void t.test(`subscriptions amid commands of shards, ${where}`, async (t) => {
    await using server = await startServer({ shards });
    using noise = await server.connect();
    using client = await server.connect();
    let isDone = false;
    const publishing = (async () => {
      while (!isDone) await noise.call('PUBLISH', 'c', 'text');
    })();
    for (const n of numbers(80)) {
      const { commands, confirmed } = n % 2 === 0 ? PLAIN : IN_EXEC;
      client.send(Buffer.concat(commands.map((words) => request(...words))));
      const replies: string[] = [];
      while (replies.length < commands.length) {
        const reply = await client.reply();
        if (reply !== message('c', 'text')) replies.push(reply);
        else if (replies.length !== confirmed) t.fail(`a message after ${replies.length} replies`);
      }
      t.equal(replies[confirmed], '*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n');
      t.equal(replies.at(-1), '$1\r\nv\r\n');
    }
    isDone = true;
    await publishing;
  });

  void t.test(`ioredis and node-redis, ${where}`, async (t) => {
    await using server = await startServer({ shards });
    const publisher = new Redis(server.port);
    const ioredis = new Redis(server.port);
    const nodeRedis = createClient({ RESP: 3, socket: { port: server.port } });
    using clients = new DisposableStack();
    clients.defer(() => {
      publisher.disconnect();
      ioredis.disconnect();
      nodeRedis.destroy();
    });
    const got: string[] = [];
    ioredis.on('message', (channel, text) => got.push(`ioredis ${channel} ${text}`));
    ioredis.on('pmessage', (pattern, _, text) => got.push(`ioredis ${pattern} ${text}`));
    await ioredis.subscribe('c', 'd');
    t.equal(await ioredis.psubscribe('c*'), 3);
    await nodeRedis.connect();
    await nodeRedis.subscribe('c', (text) => got.push(`node-redis c ${text}`));
    await nodeRedis.pSubscribe('d*', (text) => got.push(`node-redis d* ${text}`));
    t.equal(await publisher.publish('c', '1'), 3);
    t.equal(await publisher.publish('d', '2'), 2);
    t.equal(await publisher.eval("return redis.call('publish', 'c', '3')", 0), 3);
    // In RESP3 a subscriber goes on with all commands.
    await nodeRedis.set('k', 'v');
    t.equal(await nodeRedis.get('k'), 'v');
    t.equal(await nodeRedis.publish('c', '4'), 3);
    await waitFor(
      'all messages',
      () => got.length,
      (count) => count === 11,
    );
    t.strictSame(
      got.filter((line) => line.startsWith('ioredis')),
      ['c 1', 'c* 1', 'd 2', 'c 3', 'c* 3', 'c 4', 'c* 4'].map((line) => `ioredis ${line}`),
    );
    t.strictSame(
      got.filter((line) => line.startsWith('node-redis')),
      ['c 1', 'd* 2', 'c 3', 'c 4'].map((line) => `node-redis ${line}`),
    );
    await ioredis.unsubscribe('c', 'd');
    await ioredis.punsubscribe('c*');
    t.equal(await ioredis.set('k', 'after'), 'OK', 'a client like others again');
    await nodeRedis.unsubscribe();
    await nodeRedis.pUnsubscribe();
    t.equal(await publisher.publish('c', 'x'), 0);
  });
}

const READING = "return table.concat(redis.call('MGET', unpack(KEYS)), ' ')";

/** Messages may come when so many replies have. */
const PLAIN = {
  commands: [
    ['SET', 'k', 'v'],
    ['GET', 'k'],
    ['SUBSCRIBE', 'c'],
    ['UNSUBSCRIBE', 'c'],
    ['GET', 'k'],
  ],
  confirmed: 3,
};
const IN_EXEC = {
  commands: [
    ['MULTI'],
    ['SUBSCRIBE', 'c'],
    ['SET', 'k', 'v'],
    ['GET', 'l'],
    ['EXEC'],
    ['UNSUBSCRIBE', 'c'],
    ['GET', 'k'],
  ],
  confirmed: 5,
};

/** Publishes first, and writes then. */
const PUBLISHING = `
  redis.call('PUBLISH', 'done', ARGV[1])
  for i = 1, 3 do redis.call('SET', KEYS[i], ARGV[1]) end`;

void t.test('a subscriber that does not read is closed at the hard limit', async (t) => {
  await using server = await startServer({ shards: 0 });
  using publisher = await server.connect();
  using slow = await subscribed(server.port, 'c');
  using quick = await subscribed(server.port, 'c');
  slow.socket.pause();
  await publisher.call('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 8mb 0 0');
  const before = server.residentBytes;
  const text = 'x'.repeat(MB / 4);
  for (let i = 0; i < 400; i++) {
    const receivers = await publisher.call('PUBLISH', 'c', text);
    if ((await quick.reply()) !== message('c', text)) t.fail('another message');
    if (receivers === ':1\r\n') break;
  }
  t.equal(await publisher.call('PUBSUB', 'NUMSUB', 'c'), '*2\r\n$1\r\nc\r\n:1\r\n');
  const growth = Math.round((server.residentBytes - before) / MB);
  t.ok(growth < 200, `${growth} MB more`);
});

void t.test('… and after some time above the soft limit', async (t) => {
  await using server = await startServer({ shards: 0 });
  using publisher = await server.connect();
  using slow = await subscribed(server.port, 'c');
  slow.socket.pause();
  await publisher.call('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 1mb 1');
  const text = 'x'.repeat(MB / 4);
  // More than the kernel's buffers take.
  await waitFor(
    'output to be left',
    async () => {
      await publisher.call('PUBLISH', 'c', text);
      return publisher.call('CLIENT', 'LIST', 'TYPE', 'pubsub');
    },
    (list) => Number(/omem=(\d+)/.exec(list)?.[1]) > 2 * MB,
  );
  t.match(await publisher.call('PUBSUB', 'NUMSUB', 'c'), /:1/, 'still there');
  await waitFor(
    'the subscriber to be closed',
    () => publisher.call('PUBSUB', 'NUMSUB', 'c'),
    (reply) => reply.endsWith(':0\r\n'),
  );
});

void t.test('what the server tells of subscribers', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  using subscriber = await server.connect();
  await subscriber.call('SSUBSCRIBE', 's');
  await subscriber.call('PSUBSCRIBE', 'p*');
  await subscriber.call('SUBSCRIBE', 'c');
  t.match(
    await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'),
    / flags=P db=0 sub=1 psub=1 ssub=1 /,
  );
  t.notMatch(await client.call('CLIENT', 'LIST', 'TYPE', 'normal'), / flags=P /);
  t.equal(await client.info('pubsub_channels'), '1');
  t.equal(await client.info('pubsub_patterns'), '1');
  t.equal(await client.info('pubsubshard_channels'), '1');
  t.equal(await client.info('pubsub_clients'), '1');
});

void t.test('a shard that was started anew knows of subscribers', async (t) => {
  await using server = await startServer({ shards: 2, args: ['--enable-debug-command', 'yes'] });
  using client = await server.connect();
  using listener = await subscribed(server.port, 'c');
  const script = "return redis.call('PUBLISH', 'c', 'text')";
  t.equal(await client.call('EVAL', script, 0), ':1\r\n');
  await client.call('DEBUG', 'CRASH-SHARD', 0);
  const reply = await waitFor(
    'the shard to be back',
    () => client.call('EVAL', script, 0),
    (answer) => answer.startsWith(':'),
  );
  t.equal(reply, ':1\r\n');
  t.strictSame(await listener.replies(2), [message('c', 'text'), message('c', 'text')]);
});
