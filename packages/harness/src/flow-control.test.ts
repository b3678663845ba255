/**
 * Clients that take without giving: endless pipelines, replies that nobody reads, large values,
 * many idle connections, resets in the middle of requests. The server stays within bounds, and
 * others go on.
 *
 * A value of 512 MB goes in and out when HASHLANE_TEST_LARGE=1; otherwise it is one of 64 MB.
 */

import { once } from 'node:events';
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const MB = 1024 * 1024;

/** Resolves when only so many clients are left; otherwise the error shows which. */
async function waitForClients(observer: RawClient, count: number): Promise<void> {
  await waitFor(
    'all to be forgotten',
    () => observer.call('CLIENT', 'LIST'),
    (list) => list.split(' addr=').length === count + 1,
  );
}

/** Sends and heeds the socket's back pressure. */
async function sendAll(client: RawClient, bytes: Buffer): Promise<void> {
  if (!client.send(bytes)) await once(client.socket, 'drain');
}

for (const shards of [0, 2]) {
  void t.test(`1 M commands in a pipeline, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    const batch = Buffer.concat(
      Array.from({ length: 1000 }, (_, i) =>
        i % 2 === 0 ? request('SET', `key:${i}`, i) : request('GET', `key:${i - 1}`),
      ),
    );
    // Nothing is read before all was sent: the kernel's and the server's buffers must hold it all.
    client.socket.pause();
    for (let i = 0; i < 1000; i++) client.send(batch);
    await waitFor('the server to have taken input', () => client.socket.bytesWritten > MB);
    client.socket.resume();
    t.equal(await client.skipReplies(1_000_000), 0, 'a million replies, no error');
    t.equal(await client.call('GET', 'key:998'), '$3\r\n998\r\n');
  });

  void t.test(`one that never reads, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using other = await server.connect();
    await other.text('SET', 'large', 'x'.repeat(MB / 4));
    const before = server.residentBytes;
    using silent = await server.connect();
    silent.socket.pause();
    // 4 GB of replies, were they all made.
    const batch = Buffer.concat(Array.from({ length: 1000 }, () => request('GET', 'large')));
    for (let i = 0; i < 16; i++) silent.send(batch);
    let highest = 0;
    for (let i = 0; i < 200; i++) {
      t.equal(await other.call('PING'), '+PONG\r\n');
      t.equal(await other.call('SET', `k${i}`, 'v'), '+OK\r\n');
      highest = Math.max(highest, server.residentBytes);
    }
    const growth = Math.round((highest - before) / MB);
    t.ok(growth < 1200, `${growth} MB more`);
    silent.reset();
    await waitFor(
      'the connection to be forgotten',
      () => other.info('connected_clients'),
      (clients) => clients === '1',
    );
  });
}

void t.test('a slow reader gets everything', async (t) => {
  await using server = await startServer({ shards: 1 });
  using client = await server.connect();
  await client.text('SET', 'k', 'v'.repeat(100_000));
  client.send(Buffer.concat(Array.from({ length: 300 }, () => request('GET', 'k'))));
  const expected = `$100000\r\n${'v'.repeat(100_000)}\r\n`;
  let wrong = 0;
  for (let i = 0; i < 300; i++) {
    if ((await client.reply()) !== expected) wrong++;
    client.socket.pause();
    await new Promise(setImmediate);
    client.socket.resume();
  }
  t.equal(wrong, 0);
});

async function largeValue(server: ServerProcess, bytes: number): Promise<Buffer> {
  using client = await server.connect();
  const value = Buffer.alloc(bytes, 'abcdefghijk');
  client.send(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$${bytes}\r\n`);
  await sendAll(client, value);
  client.send('\r\n');
  if ((await client.reply()) !== '+OK\r\n') throw new Error('SET failed');
  if ((await client.call('STRLEN', 'large')) !== `:${bytes}\r\n`) throw new Error('wrong length');
  // Read past the client's text: a string of 512 MB does not exist in V8.
  client.send(request('GET', 'large'));
  const head = `$${bytes}\r\n`;
  await waitFor(
    'the value',
    () => client.receivedBytes,
    (n) => n >= bytes + head.length + 2,
  );
  const got = client.takeBytes(bytes + head.length + 2);
  return got.subarray(head.length, -2).equals(value) ? value : Buffer.alloc(0);
}

for (const shards of [0, 1]) {
  void t.test(`a large value, ${shards} shards`, async (t) => {
    const bytes = (process.env.HASHLANE_TEST_LARGE === '1' ? 512 : 64) * MB;
    await using server = await startServer({ shards });
    t.equal((await largeValue(server, bytes)).length, bytes);
  });
}

void t.test('2,000 idle connections', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  await client.call('PING');
  const before = server.residentBytes;
  const idle: RawClient[] = [];
  for (let i = 0; i < 20; i++) {
    const connecting = Array.from({ length: 100 }, () => server.connect());
    idle.push(...(await Promise.all(connecting)));
  }
  for (const each of idle) await each.call('PING');
  t.equal(await client.info('connected_clients'), '2001');
  const each = (server.residentBytes - before) / 2000;
  t.ok(each < 40 * 1024, `${Math.round(each / 1024)} KB of resident memory each`);
  for (const one of idle) one[Symbol.dispose]();
  await waitForClients(client, 1);
});

void t.test('resets in the middle of requests', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  const part = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n${'x'.repeat(50_000)}`;
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
    for (const [i, each] of clients.entries()) {
      if (i % 3 === 0) each.send(part);
      else if (i % 3 === 1)
        each.send(Buffer.concat(Array(200).fill(request('LRANGE', 'l', 0, -1))));
      else each.send(request('BLPOP', 'a', 'b', 'c', 0));
    }
    t.equal(await client.call('PING'), '+PONG\r\n');
    for (const each of clients) each.reset();
  }
  await waitForClients(client, 1);
  t.equal(await client.info('blocked_clients'), '0');
  t.equal(await client.call('EXISTS', 'k'), ':0\r\n');
});

void t.test('resets while a shard owes replies', async (t) => {
  await using server = await startServer({
    shards: 1,
    args: ['--enable-debug-command', 'yes', '--maxclients', '12'],
  });
  using observer = await server.connect();
  using sleeper = await server.connect();
  await observer.call('PING');
  await sleeper.call('PING');
  const leavers = await Promise.all(Array.from({ length: 10 }, () => server.connect()));
  for (const each of leavers) await each.call('PING');
  // The shard sleeps: it has the requests and its replies come after the clients have gone.
  sleeper.send(request('DEBUG', 'SLEEP', '0.3'));
  for (const each of leavers) each.send(request('GET', 'k'));
  // The list is answered without a shard, as INFO is not.
  await waitFor(
    'the requests to have been sent',
    () => observer.call('CLIENT', 'LIST'),
    (list) => list.split('cmd=get').length === 11,
  );
  for (const each of leavers) each.reset();
  await waitForClients(observer, 2);
  t.equal(await sleeper.reply(), '+OK\r\n');
  // Their places are free again, once the shard has answered what it had before this.
  await observer.call('GET', 'k');
  for (let i = 0; i < 10; i++) {
    const next = await server.connect();
    t.equal(await next.call('PING'), '+PONG\r\n');
  }
});

void t.test('a consumer that was held back by a busy shard hangs up', async (t) => {
  await using server = await startServer({
    shards: 1,
    args: ['--enable-debug-command', 'yes'],
  });
  using observer = await server.connect();
  using sleeper = await server.connect();
  using busy = await server.connect();
  using consumer = await server.connect();
  for (const each of [sleeper, busy, consumer]) await each.call('PING');
  sleeper.send(request('DEBUG', 'SLEEP', '0.3'));
  // More than may be on its way to a shard: whoever sends it something now is not read from.
  busy.send(request('SET', 'large', Buffer.alloc(4_000_000)));
  await waitFor(
    'the value to have been sent',
    () => observer.call('CLIENT', 'LIST'),
    (list) => list.includes('cmd=set'),
  );
  consumer.send(request('BLPOP', 'queue', 0));
  t.equal(await busy.reply(), '+OK\r\n');
  await waitFor(
    'the consumer to be blocked',
    () => observer.info('blocked_clients'),
    (count) => count === '1',
  );
  consumer.reset();
  await waitForClients(observer, 3);
  t.equal(await observer.call('RPUSH', 'queue', 'job'), ':1\r\n');
});

for (const shards of [0, 1, 2]) {
  void t.test(`commands sent before hanging up, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using observer = await server.connect();
    using sender = await server.connect();
    // More than may be outstanding at once: a part of it waits when the end arrives.
    const count = 20_000;
    const all = Array.from({ length: count }, () => request('INCR', 'sent'));
    sender.socket.end(Buffer.concat([...all, request('MSET', 'a', 1, 'b', 2), ...all]));
    t.equal(await sender.skipReplies(2 * count + 1), 0);
    t.equal(await observer.call('GET', 'sent'), `$5\r\n${2 * count}\r\n`);
    await sender.closed;
    // What follows a command over several shards waits for it, and the end is there already.
    using other = await server.connect();
    other.socket.end(Buffer.concat([request('MSET', 'a', 1, 'b', 2), request('INCR', 'last')]));
    t.same(await other.replies(2), ['+OK\r\n', ':1\r\n']);
    await other.closed;
  });
}

void t.test('maxclients', async (t) => {
  await using server = await startServer({ args: ['--maxclients', '5'] });
  const clients: RawClient[] = [];
  for (let i = 0; i < 5; i++) {
    clients.push(await server.connect());
    t.equal(await clients[i]!.call('PING'), '+PONG\r\n');
  }
  using refused = await RawClient.connect(server.port);
  t.equal(await refused.rest(), '-ERR max number of clients reached\r\n');
  clients.pop()?.[Symbol.dispose]();
  await waitFor('room for one more', async () => {
    using next = await server.connect();
    next.send(request('PING'));
    return (await Promise.race([next.reply(), next.closed]).catch(() => '')) === '+PONG\r\n';
  });
  for (const each of clients) each[Symbol.dispose]();
});

void t.test(
  'the hard limit of client-output-buffer-limit, for clients that do not subscribe',
  async (t) => {
    await using server = await startServer({ shards: 0 });
    using observer = await server.connect();
    await observer.call('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 4mb 0 0');
    await observer.text('SET', 'large', 'x'.repeat(MB));
    using silent = await server.connect();
    silent.socket.pause();
    for (let i = 0; i < 64; i++) silent.send(request('GET', 'large'));
    await waitForClients(observer, 1);
    t.equal(await observer.call('PING'), '+PONG\r\n');
  },
);
