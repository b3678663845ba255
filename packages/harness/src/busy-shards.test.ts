/**
 * What clients see of a script that takes longer than busy-reply-threshold, on its shard, on those
 * that it holds, and for what they had sent before anybody knew.
 */
import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { SeededRandom } from './seeded-random.ts';
import { type RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const SHARDS = 3;
const LOOP = 'while true do end';
const SLOW = ['--busy-reply-threshold', '100'];
const BUSY = /^-BUSY Redis is busy running a script. You can only call SCRIPT KILL or/;
const BUSY_FUNCTION = /^-BUSY Redis is busy running a script. You can only call FUNCTION KILL or/;

/** One key of each shard. */
async function keysOfShards(client: RawClient, shards: number): Promise<string[]> {
  const keys = ['a'];
  for (let i = 0; i < 200 && keys.length < shards; i++) {
    let isNew = true;
    for (const key of keys) isNew &&= await areApart(client, key, `b${i}`);
    if (isNew) keys.push(`b${i}`);
  }
  return keys;
}

async function areApart(client: RawClient, one: string, two: string): Promise<boolean> {
  await client.call('CONFIG', 'RESETSTAT');
  await client.text('EVAL', "return redis.call('EXISTS', ARGV[1])", '1', one, two);
  return (await client.info('script_foreign_keys')) !== '0';
}

/** Resolves when the server has read what these clients sent before. */
async function untilRead(server: ServerProcess): Promise<void> {
  using client = await server.connect();
  await client.call('PING');
}

async function untilBusy(client: RawClient, key: string): Promise<void> {
  await waitFor(
    'BUSY',
    () => client.call('EXISTS', key),
    (reply) => reply.startsWith('-BUSY'),
  );
}

async function isFree(t: Test, client: RawClient, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const isSet = (reply: string): boolean => reply === '+OK\r\n';
    await waitFor(`shard of ${key}`, () => client.call('SET', key, 'free'), isSet);
  }
  t.equal(await client.call('SCRIPT', 'KILL'), '-NOTBUSY No scripts in execution right now.\r\n');
}

t.test('a script that holds another shard: clients of that one get BUSY as well', async (t) => {
  await using server = await startServer({ shards: SHARDS, args: SLOW });
  using client = await server.connect();
  const [own, held, free] = (await keysOfShards(client, SHARDS)) as [string, string, string];
  using looping = await server.connect();
  const roaming = `redis.call('EXISTS', ARGV[1]) ${LOOP}`;
  looping.send(request('EVAL', roaming, '1', own, held));
  await untilBusy(client, own);
  t.match(await client.call('GET', held), BUSY);
  t.match(await client.call('EVAL', 'return 1', '1', held), BUSY);
  t.match(await client.call('MGET', own, free), BUSY, 'a command over several shards');
  t.equal(await client.call('SET', free, 'v'), '+OK\r\n', 'a shard that it has not been to');
  // What is allowed meanwhile.
  t.equal(await client.call('PING'), '+PONG\r\n');
  t.equal(await client.call('WATCH', own, held, free), '+OK\r\n');
  t.equal(await client.call('UNWATCH'), '+OK\r\n');
  t.equal(await client.call('MULTI'), '+OK\r\n');
  t.equal(await client.call('DISCARD'), '+OK\r\n');
  t.equal(await client.call('RESET'), '+RESET\r\n');
  using watching = await server.connect();
  t.equal(await watching.call('WATCH', held), '+OK\r\n');
  t.equal(await client.call('MULTI'), '+OK\r\n');
  t.match(await client.call('GET', held), BUSY);
  t.match(await client.call('EXEC'), /^-EXECABORT Transaction discarded because of: BUSY /);
  t.match(await client.call('FUNCTION', 'KILL'), BUSY);
  t.match(await client.call('SHUTDOWN'), BUSY);
  t.equal(await client.call('SCRIPT', 'KILL'), '+OK\r\n');
  t.match(await looping.reply(), /^-ERR (Error running script.*)?Script killed by user/);
  await isFree(t, client, [own, held]);
  t.equal(await watching.call('MULTI'), '+OK\r\n');
  t.equal(await watching.call('EXEC'), '*-1\r\n', 'the key was watched');
});

t.test('a script that comes to another shard when it is known to be busy', async (t) => {
  await using server = await startServer({ shards: SHARDS, args: SLOW });
  using client = await server.connect();
  const [own, later, told] = (await keysOfShards(client, SHARDS)) as [string, string, string];
  using looping = await server.connect();
  // It goes on when a key of a shard that it does not hold yet is there.
  const roaming = `
    redis.call('EXISTS', ARGV[1])
    while redis.call('EXISTS', KEYS[1]) == 0 do end`;
  const waiting = `while redis.call('PING').ok ~= 'PONG' do end
    local till = tonumber(redis.call('TIME')[1]) + 1
    while tonumber(redis.call('TIME')[1]) < till do end
    redis.call('EXISTS', ARGV[1]) ${roaming}`;
  looping.send(request('EVAL', waiting, '1', own, later));
  await untilBusy(client, own);
  await untilBusy(client, later);
  const countLogged = (): number => server.log.split('Slow script detected').length - 1;
  t.equal(await waitFor('a line of the log', countLogged), 1, 'it is one script');
  t.equal(await client.call('SET', told, 'v'), '+OK\r\n');
  t.equal(await client.call('SCRIPT', 'KILL'), '+OK\r\n');
  t.match(await looping.reply(), /Script killed by user/);
  await isFree(t, client, [own, later, told]);
});

t.test('one that has written on another shard cannot be killed; SHUTDOWN NOSAVE', async (t) => {
  await using server = await startServer({ shards: SHARDS, args: SLOW });
  using client = await server.connect();
  const [own, held] = (await keysOfShards(client, SHARDS)) as [string, string];
  using looping = await server.connect();
  looping.send(request('EVAL', `redis.call('SET', ARGV[1], 1) ${LOOP}`, '1', own, held));
  await untilBusy(client, held);
  t.match(await client.call('GET', own), BUSY);
  t.match(await client.call('SCRIPT', 'KILL'), /^-UNKILLABLE/);
  client.send(request('SHUTDOWN', 'NOSAVE'));
  t.equal((await server.exited).code, 0);
});

t.test('a function that holds another shard: FUNCTION KILL', async (t) => {
  await using server = await startServer({ shards: SHARDS, args: SLOW });
  using client = await server.connect();
  const [own, held] = (await keysOfShards(client, SHARDS)) as [string, string];
  const library = `#!lua name=lib
    redis.register_function('roam', function(keys, args) redis.call('GET', args[1]) ${LOOP} end)`;
  t.equal(await client.call('FUNCTION', 'LOAD', library), '$3\r\nlib\r\n');
  using looping = await server.connect();
  looping.send(request('FCALL', 'roam', '1', own, held));
  await untilBusy(client, held);
  t.match(await client.call('GET', held), BUSY_FUNCTION);
  t.match(await client.call('FUNCTION', 'STATS'), 'roam');
  t.match(await client.call('SCRIPT', 'KILL'), BUSY_FUNCTION);
  t.equal(await client.call('FUNCTION', 'KILL'), '+OK\r\n');
  t.match(await looping.reply(), /Script killed by user/);
  await isFree(t, client, [own, held]);
});

// Sent before it was known

t.test('SHUTDOWN NOSAVE that comes before the script is known to be busy', async (t) => {
  const args = ['--busy-reply-threshold', '500'];
  await using server = await startServer({ shards: SHARDS, args });
  using looping = await server.connect();
  looping.send(request('EVAL', `redis.call('SET', KEYS[1], 1) ${LOOP}`, '1', 'key'));
  await untilRead(server);
  using client = await server.connect();
  client.send(request('SHUTDOWN', 'NOSAVE'));
  t.equal((await server.exited).code, 0);
});

t.test('what came before the script in its batch is answered without waiting for it', async (t) => {
  await using server = await startServer({ shards: 1, args: SLOW });
  using client = await server.connect();
  using waiting = await server.connect();
  waiting.send(request('BLPOP', 'list', '0'));
  await waitFor(
    'a blocked client',
    () => client.info('blocked_clients'),
    (count) => count === '1',
  );
  using looping = await server.connect();
  // One packet, and so one batch.
  looping.send(
    Buffer.concat([
      request('SET', 'key', 'v'),
      request('RPUSH', 'list', 'element', 'more'),
      request('EVAL', LOOP, '0'),
      request('GET', 'key'),
      request('EVAL', LOOP, '0'),
      request('LLEN', 'list'),
    ]),
  );
  t.equal(await looping.reply(), '+OK\r\n');
  t.equal(await looping.reply(), ':2\r\n');
  t.equal(await waiting.reply(), '*2\r\n$4\r\nlist\r\n$7\r\nelement\r\n');
  t.match(await waiting.call('GET', 'key'), BUSY);
  for (const reply of ['$1\r\nv\r\n', ':1\r\n']) {
    const isKilled = (answer: string): boolean => answer === '+OK\r\n';
    await waitFor('SCRIPT KILL', () => client.call('SCRIPT', 'KILL'), isKilled);
    t.match(await looping.reply(), /Script killed by user/);
    t.equal(await looping.reply(), reply);
  }
  await isFree(t, client, ['key']);
});

t.test(
  'what was sent before the shard was known to be busy gets BUSY, and is not run',
  async (t) => {
    const args = ['--busy-reply-threshold', '500'];
    await using server = await startServer({ shards: SHARDS, args });
    using client = await server.connect();
    const [own, held, free] = (await keysOfShards(client, SHARDS)) as [string, string, string];
    const roaming = `redis.call('EXISTS', ARGV[1])
      redis.log(redis.LOG_WARNING, 'holds for ' .. ARGV[2]) ${LOOP}`;
    for (const busy of [own, held]) {
      await client.call('CONFIG', 'RESETSTAT');
      using looping = await server.connect();
      using early = await server.connect();
      using other = await server.connect();
      using silent = await server.connect();
      using transaction = await server.connect();
      using spread = await server.connect();
      using blocking = await server.connect();
      using watching = await server.connect();
      t.equal(await watching.call('WATCH', busy), '+OK\r\n');
      t.equal(await transaction.call('WATCH', busy), '+OK\r\n');
      await transaction.call('MULTI');
      await transaction.call('INCR', busy);
      looping.send(
        Buffer.concat([
          request('EVAL', roaming, '1', own, held, busy),
          request('SET', `{${own}}:mine`, 'done'),
          request('GET', `{${own}}:mine`),
        ]),
      );
      await waitFor('a script that holds both', () => server.log.includes(`holds for ${busy}`));
      early.send(
        Buffer.concat([
          request('SET', free, 'early'),
          request('SET', busy, 'early'),
          request('GET', free),
          request('INCR', busy),
          request('PING'),
        ]),
      );
      transaction.send(request('EXEC'));
      silent.send(
        Buffer.concat([request('CLIENT', 'REPLY', 'OFF'), request('SET', busy, 'silent')]),
      );
      other.send(request('GET', busy));
      spread.send(request('MSET', own, '1', held, '2', free, '3'));
      blocking.send(request('BLPOP', `{${busy}}:list`, '0'));
      t.match(await other.reply(), BUSY, busy);
      const replies: string[] = [];
      for (let i = 0; i < 5; i++) replies.push((await early.reply()).slice(0, 5));
      t.strictSame(replies, ['+OK\r\n', '-BUSY', '$5\r\ne', '-BUSY', '+PONG']);
      t.match(await transaction.reply(), /^-EXECABORT Transaction discarded because of: BUSY /);
      t.match(await spread.reply(), BUSY);
      t.match(await blocking.reply(), BUSY);
      t.equal(await client.call('SCRIPT', 'KILL'), '+OK\r\n');
      t.match(await looping.reply(), /Script killed by user/);
      t.equal(await looping.reply(), '+OK\r\n', "the script's own client is served in its order");
      t.equal(await looping.reply(), '$4\r\ndone\r\n');
      t.equal(await client.call('GET', busy), '$-1\r\n', 'nothing of it was run');
      t.equal(await blocking.call('PING'), '+PONG\r\n');
      t.equal(await blocking.call('LPUSH', `{${busy}}:list`, '1'), ':1\r\n', 'nobody waits');
      t.equal(await blocking.call('DEL', `{${busy}}:list`), ':1\r\n');
      // A refused EXEC has ended the watching.
      await transaction.call('SET', busy, 'changed');
      t.equal(await transaction.call('MULTI'), '+OK\r\n');
      t.equal(await transaction.call('PING'), '+QUEUED\r\n');
      t.equal(await transaction.call('EXEC'), '*1\r\n+PONG\r\n');
      t.equal(await watching.call('MULTI'), '+OK\r\n');
      t.equal(await watching.call('EXEC'), '*-1\r\n', 'and that of nobody else');
      t.match(
        await client.text('INFO', 'commandstats'),
        /cmdstat_incr:calls=0,.*rejected_calls=1,/,
      );
      t.match(await client.text('INFO', 'errorstats'), /errorstat_BUSY:count=/);
      t.equal(await client.call('DEL', busy), ':1\r\n');
      await isFree(t, client, [free]);
    }
  },
);

t.test(
  'scripts of about the threshold: what is refused was not run, all else was, once',
  async (t) => {
    const args = ['--busy-reply-threshold', '1'];
    await using server = await startServer({ shards: 2, args });
    using control = await server.connect();
    const [own, held] = (await keysOfShards(control, 2)) as [string, string];
    const rounds = 40;
    let areScriptsRunning = true;
    let refused = 0;
    const scripts = async (): Promise<void> => {
      using client = await server.connect();
      const random = new SeededRandom(9);
      const script = `
      if ARGV[3] == '1' then redis.call('EXISTS', ARGV[1]) end
      for i = 1, tonumber(ARGV[2]) do end
      if ARGV[3] == '2' then redis.call('EXISTS', ARGV[1]) end
      return 1`;
      for (let i = 0; i < 4 * rounds; i++) {
        const steps = String(random.below(600_000));
        const reply = await client.call('EVAL', script, '1', own, held, steps, `${i % 3}`);
        t.match(reply, /^(:1|-BUSY)/);
      }
      areScriptsRunning = false;
    };
    const counted = new Map([own, held].map((key) => [key, 0]));
    const counts = async (worker: number): Promise<void> => {
      using client = await server.connect();
      for (let round = 0; areScriptsRunning; round++) {
        const keys = Array.from({ length: 20 }, (_, i) => ((i + worker + round) % 3 ? own : held));
        // Some have scripts of their own in the midst.
        const increments = keys.map((key, i) => {
          const counter = `{${key}}:count`;
          const isScript = worker > 2 && i === 10;
          const script = "for i = 1, 300000 do end return redis.call('INCR', KEYS[1])";
          return isScript ? request('EVAL', script, '1', counter) : request('INCR', counter);
        });
        client.send(Buffer.concat(increments));
        const last = new Map<string, number>();
        for (const key of keys) {
          const reply = await client.reply();
          if (reply.startsWith('-BUSY')) {
            refused++;
            continue;
          }
          const value = Number(reply.slice(1));
          if (!(value > (last.get(key) ?? 0))) t.fail(`${reply} after ${last.get(key)}`);
          last.set(key, value);
          counted.set(key, counted.get(key)! + 1);
        }
      }
    };
    await Promise.all([scripts(), ...[0, 1, 2, 3].map(counts)]);
    for (const [key, count] of counted) {
      const isThere = (reply: string): boolean => !reply.startsWith('-BUSY');
      const reply = await waitFor('GET', () => control.call('GET', `{${key}}:count`), isThere);
      t.equal(reply, `$${String(count).length}\r\n${count}\r\n`);
    }
    t.ok(refused > 0, `${refused} were refused`);
  },
);
