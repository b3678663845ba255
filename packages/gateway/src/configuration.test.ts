import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Configuration } from './configuration.ts';
import { KEYSPACE_EVENTS } from './configuration-kinds.ts';
import { PARAMETERS } from './configuration-parameters.ts';
import { parseConfiguration } from './redis-conf.ts';

function load(text: string): Configuration {
  const configuration = new Configuration();
  configuration.load(parseConfiguration(text, 'test.conf'));
  return configuration;
}

t.test('defaults, typed', async (t) => {
  const { values } = new Configuration();
  t.equal(values.port, 6379);
  t.same(values.bind, ['*', '-::*']);
  t.equal(values.protoMaxBulkLen, 512 * 1024 * 1024);
  t.equal(values.maxmemoryPolicy, 'noeviction');
  t.equal(values.protectedMode, true);
  t.ok(values.shards >= 1);
  t.equal(values.dir, process.cwd());
  t.same(values.save.at(0), { seconds: 3600, changes: 1 });
  t.same(values.clientOutputBufferLimit.replica.softSeconds, 60);
});

t.test('no name twice', async (t) => {
  const names = PARAMETERS.flatMap((row) => [row.name, ...('aliases' in row ? row.aliases : [])]);
  t.equal(new Set(names).size, names.length);
});

t.test('loading', async (t) => {
  const { values } = load('save 900 1\nsave "300 10"\nmaxmemory 100MB\nhash-max-ziplist-entries 3');
  t.same(values.save, [
    { seconds: 900, changes: 1 },
    { seconds: 300, changes: 10 },
  ]);
  t.equal(values.maxmemory, 100 * 1024 * 1024);
  t.equal(values.hashMaxListpackEntries, 3);
  t.same(load('save 900 1\nsave ""').values.save, []);
  t.same(load('save ""\nsave 20 1').values.save, [{ seconds: 20, changes: 1 }]);
  t.equal(load('shards 0').values.shards, 0);
  t.equal(load('notify-keyspace-events Kx').values.notifyKeyspaceEvents, 1 | KEYSPACE_EVENTS.x);
  t.equal(load('maxmemory-clients 5%').values.maxmemoryClients, -5);
  t.doesNotThrow(() => load('lua-replicate-commands yes'));
});

t.test('mistakes in one line', async (t) => {
  const fails = (text: string, message: string) => t.throws(() => load(text), { message }, text);
  fails('\nprot 6379', "test.conf:2: unknown directive 'prot'; did you mean 'port'?");
  fails('blubberlutsch 1', "test.conf:1: unknown directive 'blubberlutsch'");
  fails('port 99999', "test.conf:1: port '99999': argument must be between 0 and 65535 inclusive");
  fails('port', 'test.conf:1: port: wrong number of arguments');
  fails(
    'shards -1',
    "test.conf:1: shards '-1': argument must be 'auto' or between 0 and 1024 inclusive",
  );
  fails('appendonly yes', "test.conf:1: appendonly 'yes': hashlane has no append-only file yet");
  fails('requirepass secret two', 'test.conf:1: requirepass: wrong number of arguments');
  fails('dir /no/such/dir', "test.conf:1: dir '/no/such/dir': No such file or directory");
});

t.test('CONFIG GET', async (t) => {
  const configuration = new Configuration();
  t.same(configuration.get(['MaxMemory', 'maxmemory', 'nope']), [['MaxMemory', '0']]);
  const thresholds = configuration.get(['*-max-*list*-value', 'port']);
  t.same(thresholds.at(-1), ['port', '6379']);
  t.ok(thresholds.some(([name]) => name === 'hash-max-ziplist-value'));
  const everything = configuration.get(['*', 'port', '*']).map(([name]) => name);
  t.equal(new Set(everything).size, everything.length);
  t.notOk(everything.includes('watchdog-period'));
  t.same(configuration.get(['watchdog-period']), [['watchdog-period', '0']]);
});

t.test('CONFIG SET is all or nothing', async (t) => {
  const configuration = new Configuration();
  const { values } = configuration;
  t.match(
    configuration.set([
      ['maxmemory', '1gb'],
      ['timeout', 'x'],
    ]) as string,
    /argument 'timeout'\) - argument couldn't be parsed into an integer$/,
  );
  t.equal(values.maxmemory, 0);
  const seen: number[] = [];
  configuration.onChange(['maxmemory', 'maxmemory-policy'], ({ maxmemory }) => {
    seen.push(maxmemory);
    return undefined;
  });
  configuration.onChange('timeout', () => 'no time');
  t.equal(
    configuration.set([
      ['maxmemory', '1kb'],
      ['maxmemory-policy', 'allkeys-lru'],
      ['timeout', '3'],
    ]),
    "ERR CONFIG SET failed (possibly related to argument 'timeout') - no time",
  );
  t.same(seen, [1024, 0], 'called once, and again after the roll-back');
  t.same(configuration.get(['timeout', 'maxmemory-policy']), [
    ['timeout', '0'],
    ['maxmemory-policy', 'noeviction'],
  ]);
  t.equal(configuration.set([['maxmemory', '0']]), undefined);
  t.equal(seen.length, 2, 'no change, no hook');
});

t.test('hooks that take time', async (t) => {
  const configuration = new Configuration();
  configuration.onChange('port', async ({ port }) => (port === 1 ? 'in use' : undefined));
  configuration.onChange('timeout', () => {
    throw new Error('a bug');
  });
  t.equal(await configuration.set([['port', '7001']]), undefined);
  t.match(await configuration.set([['port', '1']]), / - in use$/);
  t.equal(configuration.values.port, 7001);
  t.match(configuration.set([['timeout', '1']]) as string, / - a bug$/);
});

t.test('what shards are told', async (t) => {
  const configuration = new Configuration();
  const told: number[] = [];
  configuration.onShardChange(({ listMaxListpackSize }) => {
    told.push(listMaxListpackSize);
    return undefined;
  });
  configuration.set([
    ['list-max-ziplist-size', '128'],
    ['hash-max-listpack-value', '1'],
  ]);
  configuration.set([['timeout', '1']]);
  t.same(told, [128]);
  t.same(structuredClone(configuration.shardValues()), configuration.shardValues());
});

t.test('protected, unsupported, loading', async (t) => {
  const refused = (configuration: Configuration, setter = {}) =>
    configuration.set([['dbfilename', 'x.rdb']], setter) as string;
  t.match(refused(new Configuration()), /can't set protected config$/);
  t.match(refused(load('enable-protected-configs local')), /can't set protected config$/);
  t.equal(refused(load('enable-protected-configs local'), { local: true }), undefined);
  t.match(new Configuration().set([['appendonly', 'yes']]) as string, /append-only file yet$/);
  t.match(
    load('enable-protected-configs yes').set([['dir', '/tmp']], { loading: true }) as string,
    /^LOADING /,
  );
});

t.test('a relative dir goes from the present one', async (t) => {
  const parent = t.testdir({ inner: {} });
  const configuration = load(`enable-protected-configs yes\ndir ${parent}`);
  t.equal(configuration.set([['dir', 'inner']]), undefined);
  t.equal(configuration.values.dir, join(parent, 'inner'));
});

t.test('CONFIG REWRITE', async (t) => {
  const configuration = load('port 7001');
  t.equal(configuration.rewrite(), 'ERR The server is running without a config file');
  const dir = t.testdir({ 'redis.conf': '# mine\nport 7001\nsave 3 1\nslave-priority 7\n' });
  configuration.file = join(dir, 'redis.conf');
  configuration.load(parseConfiguration(readFileSync(configuration.file, 'utf8'), 'redis.conf'));
  configuration.set([
    ['port', '7002'],
    ['maxmemory', '100mb'],
    ['requirepass', 'a "b"'],
    ['save', '900 1 300 10'],
    ['client-output-buffer-limit', 'slave 1gb 1kb 3'],
  ]);
  t.equal(configuration.rewrite(), undefined);
  const text = readFileSync(configuration.file, 'utf8');
  t.match(text, /^# mine\nport 7002\nsave 900 1\nreplica-priority 7\n/);
  t.match(text, /\nsave 300 10\n/);
  t.match(text, /\nmaxmemory 100mb\n/);
  t.match(text, /\nclient-output-buffer-limit replica 1gb 1kb 3\n/);
  const again = load(text);
  t.same(again.get(['*']), configuration.get(['*']), 'reads back the same');
  again.file = configuration.file;
  again.rewrite();
  t.same(load(readFileSync(configuration.file, 'utf8')).get(['*']), configuration.get(['*']));
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub', 'x'), '');
  configuration.file = join(dir, 'sub', 'x', 'redis.conf');
  t.equal(configuration.rewrite(), 'ERR Rewriting config file: Not a directory');
});
