/**
 * Blocked readers of streams: who is served, with what, and what they hear when there is nothing to
 * wait for any more. Over no shards, one and two; `a` … `f` are on both of two.
 */

import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { type RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const NULL_ARRAY = '*-1\r\n';
const KEYS = [...'abcdef'];

/** What XREAD replies for one stream with entries [ID, value] of the field `f`. */
function found(key: string, ...entries: (readonly [string, string])[]): string {
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
  const shown = entries.map(([id, value]) => `*2\r\n${bulk(id)}*2\r\n${bulk('f')}${bulk(value)}`);
  return `*1\r\n*2\r\n${bulk(key)}*${entries.length}\r\n${shown.join('')}`;
}

function noGroup(key: string, group: string): string {
  return (
    `-NOGROUP No such key '${key}' or consumer group '${group}' ` +
    'in XREADGROUP with GROUP option\r\n'
  );
}

async function blocked(observer: RawClient, count: number): Promise<void> {
  await waitFor(
    `${count} blocked clients`,
    () => observer.info('blocked_clients'),
    (answer) => answer === String(count),
  );
}

/** Sends a command, as one line, whose reply comes later. */
async function blocking(
  server: ServerProcess,
  observer: RawClient,
  line: string,
  count = 1,
): Promise<RawClient> {
  const client = await server.connect();
  client.send(request(...line.split(' ')));
  await blocked(observer, count);
  return client;
}

type Scenario = (t: Test, server: ServerProcess, observer: RawClient) => Promise<void>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'one entry serves all readers': async (t, server, observer) => {
    const readers: RawClient[] = [];
    for (let i = 1; i <= 4; i++) {
      readers.push(await blocking(server, observer, 'XREAD BLOCK 0 STREAMS a $', i));
    }
    await observer.text('XADD', 'a', '5-1', 'f', 'v');
    for (const reader of readers) {
      t.equal(await reader.reply(), found('a', ['5-1', 'v']));
      reader[Symbol.dispose]();
    }
    await blocked(observer, 0);
  },

  'a stream that is there, and its end when the command came': async (t, server, observer) => {
    await observer.text('XADD', 'a', '5-1', 'f', 'old');
    using reader = await blocking(server, observer, 'XREAD BLOCK 0 STREAMS a $');
    await observer.text('XDEL', 'a', '5-1');
    await observer.text('XADD', 'a', '5-2', 'f', 'new');
    t.equal(await reader.reply(), found('a', ['5-2', 'new']));
  },

  'an entry that is not behind the ID serves nobody': async (t, server, observer) => {
    using reader = await blocking(server, observer, 'XREAD BLOCK 0 STREAMS a 5');
    for (const id of ['3-0', '4-0', '5-0']) await observer.text('XADD', 'a', id, 'f', 'v');
    await blocked(observer, 1);
    await observer.text('XADD', 'a', '6-0', 'f', 'v');
    t.equal(await reader.reply(), found('a', ['6-0', 'v']));
  },

  'several streams': async (t, server, observer) => {
    const keys = KEYS.join(' ');
    for (const key of KEYS) {
      await observer.text('XADD', key, '1', 'f', 'old');
      const line = `XREAD COUNT 2 BLOCK 0 STREAMS ${keys} $ $ $ $ $ $`;
      using reader = await blocking(server, observer, line);
      await observer.text('XADD', key, '2', 'f', 'new');
      t.equal(await reader.reply(), found(key, ['2-0', 'new']));
      await blocked(observer, 0);
    }
  },

  'several streams, and entries that serve nobody first': async (t, server, observer) => {
    const line = `XREAD BLOCK 0 STREAMS ${KEYS.join(' ')} 5 5 5 5 5 5`;
    for (const key of KEYS) {
      using reader = await blocking(server, observer, line);
      for (const other of KEYS) await observer.text('XADD', other, '4-*', 'f', 'early');
      await blocked(observer, 1);
      await observer.text('XADD', key, '6', 'f', 'v');
      t.equal(await reader.reply(), found(key, ['6-0', 'v']));
      await observer.text('FLUSHALL');
    }
  },

  'a group: each entry for one consumer': async (t, server, observer) => {
    await observer.text('XGROUP', 'CREATE', 'a', 'g', '$', 'MKSTREAM');
    const consumers: RawClient[] = [];
    for (let i = 1; i <= 3; i++) {
      const line = `XREADGROUP GROUP g c${i} BLOCK 0 STREAMS a >`;
      consumers.push(await blocking(server, observer, line, i));
    }
    for (const [i, consumer] of consumers.entries()) {
      await observer.text('XADD', 'a', `${i + 1}`, 'f', 'v');
      t.equal(await consumer.reply(), found('a', [`${i + 1}-0`, 'v']));
      await blocked(observer, 2 - i);
      consumer[Symbol.dispose]();
    }
    t.equal(await observer.value('XACK', 'a', 'g', '1', '2', '3'), 3);
  },

  'a group over several streams': async (t, server, observer) => {
    for (const key of KEYS) await observer.text('XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM');
    const line = `XREADGROUP GROUP g c BLOCK 0 STREAMS ${KEYS.join(' ')} > > > > > >`;
    for (const key of KEYS) {
      using reader = await blocking(server, observer, line);
      await observer.text('XADD', key, '2', 'f', 'new');
      t.equal(await reader.reply(), found(key, ['2-0', 'new']));
      t.equal(await observer.value('XACK', key, 'g', '2'), 1);
    }
  },

  'a group that goes': async (t, server, observer) => {
    const ways: readonly (readonly [string, string])[] = [
      ['XGROUP DESTROY a g', noGroup('a', 'g')],
      ['DEL a', noGroup('a', 'g')],
      ['UNLINK a', noGroup('a', 'g')],
      ['RENAME a elsewhere', noGroup('a', 'g')],
      ['MOVE a 1', noGroup('a', 'g')],
      ['FLUSHDB', noGroup('a', 'g')],
      ['FLUSHALL', noGroup('a', 'g')],
      ['SWAPDB 0 2', noGroup('a', 'g')],
      ['PEXPIRE a 1', noGroup('a', 'g')],
      ['SET a v', '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n'],
    ];
    for (const keys of [['a'], ['b', 'c', 'd', 'a', 'e']]) {
      for (const [way, answer] of ways) {
        for (const key of keys) await observer.text('XGROUP', 'CREATE', key, 'g', 0, 'MKSTREAM');
        const ids = keys.map(() => '>').join(' ');
        const line = `XREADGROUP GROUP g c BLOCK 0 STREAMS ${keys.join(' ')} ${ids}`;
        using reader = await blocking(server, observer, line);
        await observer.text(...way.split(' '));
        const reply = await reader.reply();
        // Whole databases go: any of the keys is named.
        if (keys.length > 1 && /DB|ALL/.test(way)) t.match(reply, /^-NOGROUP No such key/);
        else t.equal(reply, answer, `${way}, ${keys.length} keys`);
        await observer.text('FLUSHALL');
      }
    }
  },

  'XREAD waits on when its key goes': async (t, server, observer) => {
    await observer.text('XADD', 'a', '1', 'f', 'v');
    using reader = await blocking(server, observer, 'XREAD BLOCK 0 STREAMS a b c $ $ $');
    await observer.text('DEL', 'a');
    await observer.text('SET', 'a', 'v');
    await observer.text('FLUSHALL');
    await observer.text('XADD', 'a', '1', 'f', 'not behind');
    await blocked(observer, 1);
    await observer.text('XADD', 'a', '2', 'f', 'behind');
    t.equal(await reader.reply(), found('a', ['2-0', 'behind']));
  },

  'a stream by RENAME, COPY and RESTORE': async (t, server, observer) => {
    for (const way of ['RENAME from a', 'COPY from a']) {
      await observer.text('XADD', 'from', '5', 'f', 'v');
      using reader = await blocking(server, observer, 'XREAD BLOCK 0 STREAMS a 0');
      await observer.text(...way.split(' '));
      t.equal(await reader.reply(), found('a', ['5-0', 'v']), way);
      await observer.text('FLUSHALL');
    }
  },

  'time-outs': async (t, server, observer) => {
    using client = await server.connect();
    t.equal(await client.call('XREAD', 'BLOCK', 15, 'STREAMS', 'a', '$'), NULL_ARRAY);
    t.equal(await client.call('XREAD', 'BLOCK', 15, 'STREAMS', 'a', 'b', '$', '0'), NULL_ARRAY);
    await observer.text('XGROUP', 'CREATE', 'a', 'g', 0, 'MKSTREAM');
    const words = ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 15, 'STREAMS', 'a', '>'];
    t.equal(await client.call(...words), NULL_ARRAY);
    await client.text('HELLO', 3);
    t.equal(await client.call('XREAD', 'BLOCK', 15, 'STREAMS', 'a', 'b', '$', '$'), '_\r\n');
    t.equal(await client.call(...words), '_\r\n');
  },

  'CLIENT UNBLOCK': async (t, server, observer) => {
    for (const line of ['XREAD BLOCK 0 STREAMS a $', 'XREAD BLOCK 0 STREAMS a b c $ $ $']) {
      using client = await server.connect();
      const id = Number(await client.value('CLIENT', 'ID'));
      client.send(request(...line.split(' ')));
      await blocked(observer, 1);
      t.equal(await observer.call('CLIENT', 'UNBLOCK', id), ':1\r\n');
      t.equal(await client.reply(), NULL_ARRAY);
      client.send(request(...line.split(' ')));
      await blocked(observer, 1);
      t.equal(await observer.call('CLIENT', 'UNBLOCK', id, 'ERROR'), ':1\r\n');
      t.match(await client.reply(), /^-UNBLOCKED /);
    }
  },

  'a consumer that left takes nothing': async (t, server, observer) => {
    for (const key of KEYS) await observer.text('XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM');
    for (const keys of ['a', 'a b c d']) {
      const line = `XREADGROUP GROUP g c BLOCK 0 STREAMS ${keys} ${keys.replace(/\w/g, '>')}`;
      const gone = await blocking(server, observer, line);
      gone.socket.destroy();
      await blocked(observer, 0);
      await observer.text('XADD', 'a', '*', 'f', 'v');
      t.match(await observer.call('XPENDING', 'a', 'g'), /^\*4\r\n:0\r\n/);
      await observer.text('XGROUP', 'SETID', 'a', 'g', '$');
    }
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
