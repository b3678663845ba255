/**
 * Scripts that use keys of several shards without naming them: they do what they do on redis-server,
 * nobody sees half of one, and whatever happens to a shard nobody waits for ever.
 */
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';

import { SeededRandom } from './seeded-random.ts';
import { type RawClient, request, type ServerProcess, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const SHARDS = 4;
const ACCOUNTS = 8;
const TOTAL = 1000 * ACCOUNTS;
const WORKERS = 6;
const ROUNDS = 60;

/** Moves an amount between two accounts that only the script's arguments tell. */
const TRANSFER = `
  local from, to, amount = 'account:' .. ARGV[1], 'account:' .. ARGV[2], tonumber(ARGV[3])
  if tonumber(redis.call('GET', from)) < amount then return 0 end
  redis.call('DECRBY', from, amount)
  redis.call('INCRBY', to, amount)
  return 1`;

const CIRCLE = '-ERR Scripts on several shards';

const SUM = `
  local sum = 0
  for i = 0, ${ACCOUNTS - 1} do sum = sum + redis.call('GET', 'account:' .. i) end
  return sum`;

async function openAccounts(client: RawClient): Promise<void> {
  for (let i = 0; i < ACCOUNTS; i++) await client.text('SET', `account:${i}`, '1000');
}

function sumOf(values: readonly string[]): number {
  return values.reduce((sum, value) => sum + Number(value), 0);
}

async function getInTransaction(client: RawClient, names: readonly string[]): Promise<string[]> {
  await client.text('MULTI');
  for (const name of names) await client.text('GET', name);
  return (await client.value('EXEC')) as string[];
}

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

t.test('money moves between accounts on all shards, and none is made or lost', async (t) => {
  await using server = await startServer({ shards: SHARDS });
  using setup = await server.connect();
  await openAccounts(setup);
  const random = new SeededRandom(11);
  const names = Array.from({ length: ACCOUNTS }, (_, i) => `account:${i}`);
  let sums = 0;
  let refused = 0;
  await crowd(server, async (client, worker, round) => {
    const [from, to] = [random.below(ACCOUNTS), random.below(ACCOUNTS)];
    if (worker === 4) {
      // A command over several shards, and EXEC, see whole transfers as well as scripts do.
      const values =
        round % 2 === 0
          ? ((await client.value('MGET', ...names)) as string[])
          : await getInTransaction(client, names);
      t.equal(sumOf(values), TOTAL, 'a command sees whole transfers');
    } else if (worker % 3 === 0) {
      // On the shard of any account: it is declared, the others are not.
      const reply = await client.call('EVAL', SUM, '1', `account:${from}`);
      if (reply.startsWith(CIRCLE)) refused++;
      else {
        sums++;
        t.equal(reply, `:${TOTAL}\r\n`, 'a reader sees whole transfers');
      }
    } else {
      const keys = ['1', `account:${worker % 2 === 0 ? from : to}`];
      const reply = await client.call('EVAL', TRANSFER, ...keys, `${from}`, `${to}`, '7');
      t.match(reply, /^:[01]\r\n$/);
    }
  });
  t.ok(sums > ROUNDS, `${sums} sums, ${refused} gave way`);
  t.equal(sumOf((await setup.value('MGET', ...names)) as string[]), TOTAL);
});

t.test('a snapshot has whole transfers', async (t) => {
  const dir = t.testdir();
  {
    await using server = await startServer({ shards: SHARDS, dir });
    using client = await server.connect();
    await openAccounts(client);
    const random = new SeededRandom(3);
    let saves = 0;
    await crowd(server, async (worker, number, round) => {
      if (number === 0) {
        if (round % 20 !== 0) return;
        t.equal(await worker.call('SAVE'), '+OK\r\n');
        saves++;
        return;
      }
      const [from, to] = [random.below(ACCOUNTS), random.below(ACCOUNTS)];
      const keys = ['1', `account:${number % 2 === 0 ? from : to}`];
      await worker.call('EVAL', TRANSFER, ...keys, `${from}`, `${to}`, '7');
    });
    t.equal(saves, ROUNDS / 20);
  }
  await using server = await startServer({ shards: 0, dir });
  using client = await server.connect();
  const names = Array.from({ length: ACCOUNTS }, (_, i) => `account:${i}`);
  t.equal(sumOf((await client.value('MGET', ...names)) as string[]), TOTAL);
});

t.test('what a client sends before and after a script takes effect in its order', async (t) => {
  await using server = await startServer({ shards: SHARDS });
  using client = await server.connect();
  const expected: string[] = [];
  const packets: Buffer[] = [];
  for (let i = 0; i < 200; i++) {
    const key = `key:${i % 7}`;
    packets.push(request('SET', key, `${i}`));
    packets.push(request('EVAL', `return redis.call('INCRBY', '${key}', 1000)`, '0'));
    packets.push(request('INCR', key));
    packets.push(request('EVAL', `return redis.call('GET', '${key}')`, '1', `other:${i}`));
    packets.push(request('MGET', key, 'none', `key:${(i + 1) % 7}x`));
    const text = `${i + 1001}`;
    expected.push('+OK\r\n', `:${i + 1000}\r\n`, `:${i + 1001}\r\n`);
    expected.push(`$${text.length}\r\n${text}\r\n`);
    expected.push(`*3\r\n$${text.length}\r\n${text}\r\n$-1\r\n$-1\r\n`);
  }
  client.send(Buffer.concat(packets));
  for (const [i, reply] of expected.entries()) {
    t.equal(await client.reply(), reply, `reply ${i}`);
  }
});

t.test('a shard that fails holds nobody, and who waits for it gets an error', async (t) => {
  await using server = await startServer({
    shards: SHARDS,
    args: ['--enable-debug-command', 'yes'],
  });
  using client = await server.connect();
  const script = `
    redis.call('INCR', KEYS[1])
    for i = 1, 20 do redis.pcall('INCR', 'key:' .. i) end
    return 1`;
  const random = new SeededRandom(5);
  let running = WORKERS;
  let answered = 0;
  const load = crowd(server, async (worker, number, round) => {
    const reply = await worker.call('EVAL', script, '1', `home:${random.below(50)}`);
    t.match(reply, /^(:1|-ERR )/);
    answered++;
    if (round === ROUNDS - 1) running--;
    return void number;
  });
  for (let crashes = 1; running > 0 && crashes <= 5; crashes++) {
    t.equal(await client.call('DEBUG', 'CRASH-SHARD', `${crashes % SHARDS}`), '+OK\r\n');
    const before = answered;
    await waitFor('scripts go on', () => running === 0 || answered > before + WORKERS);
  }
  await load;
  await waitFor('all shards are back', () => client.call('EVAL', script, '1', 'home'), isOne);
});

function isOne(reply: string): boolean {
  return reply === ':1\r\n';
}

/** Touches many keys of a prefix from the shard of the first. */
const SPREAD = "for i = 1, 50 do redis.call('INCR', ARGV[1] .. i) end return 1";

t.test('--route keeps what has the first two words in common on one shard', async (t) => {
  await using server = await startServer({ shards: SHARDS, args: ['--route', 'bull celery'] });
  using client = await server.connect();
  for (const prefix of ['celery:mail:', 'bull:mail:', '{mail}:', 'x{mail}:']) {
    t.equal(await client.call('EVAL', SPREAD, '1', `${prefix}1`, prefix), ':1\r\n');
    t.equal(await client.info('script_foreign_keys'), '0', prefix);
  }
  t.equal(await client.call('EVAL', SPREAD, '1', 'rq:mail:1', 'rq:mail:'), ':1\r\n');
  t.not(await client.info('script_foreign_keys'), '0', 'a word without a rule');
});

for (const shards of [0, SHARDS]) {
  void t.test(`--script-keys declared, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards, args: ['--script-keys', 'declared'] });
    using client = await server.connect();
    const both = "redis.call('SET', KEYS[1], 1) redis.call('SET', KEYS[2], 2) return 'done'";
    t.equal(await client.call('EVAL', both, '2', 'one', 'two'), '$4\r\ndone\r\n');
    t.strictSame(await client.value('MGET', 'one', 'two'), ['1', '2']);
    const undeclared = "return redis.call('GET', 'two')";
    const refusal = /^-ERR Script attempted to access a non local key in a cluster node script: /;
    t.match(await client.call('EVAL', undeclared, '1', 'one'), refusal);
    t.match(await client.call('EVAL', undeclared, '0'), refusal);
    const caught = "return redis.pcall('GET', 'two')";
    t.match(await client.call('EVAL', caught, '0'), /^-ERR Script attempted to access a non local/);
    t.equal(await client.call('EVAL', "return redis.call('PING').ok", '0'), '$4\r\nPONG\r\n');
  });
}

t.test('who half-closes while a script is on its way is served all the same', async (t) => {
  await using server = await startServer({ shards: SHARDS });
  using busy = await server.connect();
  for (let i = 0; i < 3; i++) {
    busy.send(request('EVAL', 'for i = 1, 3e7 do end return 1', '0'));
    // Its first reply tells that the script has been sent.
    using client = await server.connect();
    await client.call('PING');
    client.send(request('MSET', 'one', `${i}`, 'two', `${i}`, 'three', `${i}`, 'four', `${i}`));
    client.socket.end();
    t.equal(await client.reply(), '+OK\r\n');
    t.equal(await busy.reply(), ':1\r\n');
  }
});

t.test(
  'a command over several shards that is answered at once keeps no script waiting',
  async (t) => {
    await using server = await startServer({ shards: SHARDS });
    const answered = [
      [['MULTI'], ['EXEC']],
      [['MULTI'], ['NOSUCH'], ['EXEC']],
      [['MSET', 'one', '1', 'two']],
      [['MSETNX', 'one', '1', 'two']],
      [['SCAN', 'x']],
      [['SWAPDB', 'x', 'y']],
      [['FLUSHALL', 'x']],
      [['SINTERSTORE', 'target']],
      [['SINTERCARD', '2', 'one', 'two', 'LIMIT', 'x']],
      [['ZUNIONSTORE', 'target', '2', 'one', 'two', 'x']],
      [['LMPOP', '4', 'one', 'two', 'three', 'four', 'x']],
      [['SORT', 'list', 'BY', 'weight:*', 'GET']],
      [['RENAME', 'one', 'two']],
      [['PFCOUNT', 'one', 'two', 'three', 'four']],
      [['OBJECT', 'ENCODING']],
    ];
    for (const commands of answered) {
      using client = await server.connect();
      using other = await server.connect();
      for (const words of commands) await client.call(...words);
      // It stays connected, and sends nothing more.
      t.equal(await other.call('EVAL', 'return 1', '0'), ':1\r\n', commands.join(' '));
      t.equal(await client.call('EVAL', 'return 2', '1', 'one'), ':2\r\n', commands.join(' '));
    }
  },
);

t.test('SHUTDOWN NOSAVE ends a script that holds other shards and never ends', async (t) => {
  const args = ['--busy-reply-threshold', '100'];
  await using server = await startServer({ shards: SHARDS, args });
  using lost = await server.connect();
  using client = await server.connect();
  lost.send(
    request('EVAL', "for i = 1, 50 do redis.call('SET', 'k' .. i, i) end while true do end", '0'),
  );
  const isUnkillable = (reply: string): boolean => reply.startsWith('-UNKILLABLE');
  await waitFor('a busy shard', () => client.call('SCRIPT', 'KILL'), isUnkillable);
  client.send(request('SHUTDOWN', 'NOSAVE'));
  t.equal((await server.exited).code, 0);
});

t.test('a shard without memory refuses what is new and takes back what it lent', async (t) => {
  const args = ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'];
  await using server = await startServer({ shards: 2, args });
  using client = await server.connect();
  const [one, two] = await keysOnTwoShards(client);
  await client.text('SET', one, 'small');
  await client.text('SET', two, 'small');
  const large = Buffer.alloc(100_000, 'x');
  const isFull = async (tag: string, i: number): Promise<boolean> =>
    (await client.call('SET', `{${tag}}:${i}`, large)).startsWith('-OOM');
  // Only the shard of the second key is full.
  let written = 0;
  while (written < 1000 && !(await isFull(two, written))) written++;
  t.ok(written < 1000, `${written} large values`);
  const script = (body: string): Promise<string> => client.call('EVAL', body, '1', one, two);
  t.match(await script("return redis.call('SET', ARGV[1], 'new')"), /^-OOM /);
  t.match(await script("return redis.call('MSET', KEYS[1], 'new', ARGV[1], 'new')"), /^-OOM /);
  t.equal(await script("return redis.call('RENAME', KEYS[1], ARGV[1]).ok"), '$2\r\nOK\r\n');
  t.strictSame(await client.value('MGET', one, two), [null, 'new'], 'no value is lost');
});

/** Two words that are routed to different shards of two, as keys and as hash tags. */
async function keysOnTwoShards(client: RawClient): Promise<[string, string]> {
  for (let i = 0; i < 100; i++) {
    const before = Number(await client.info('script_foreign_keys'));
    await client.text('EVAL', "return redis.call('EXISTS', ARGV[1])", '1', 'a', `b${i}`);
    const after = Number(await client.info('script_foreign_keys'));
    if (after > before) return ['a', `b${i}`];
  }
  throw new Error('a hundred keys on one shard');
}
