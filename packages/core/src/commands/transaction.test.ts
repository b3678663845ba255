/** The shard's part of MULTI/EXEC: commands in a row, and what counts as a change of a watched key. */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { COMMANDS } from './index.ts';

/** The arguments of HASHLANE.EXEC for these commands. */
function packed(...commands: (readonly string[])[]): (string | number | Buffer)[] {
  return commands.flatMap(([name = '', ...args]) => {
    const head = Buffer.alloc(8);
    head.writeInt32LE(
      COMMANDS.findIndex((spec) => spec.name === name),
      0,
    );
    head.writeInt32LE(args.length + 1, 4);
    return [head, ...args];
  });
}

function exec(fixture: EngineFixture, mode: 'W' | 'N', ...commands: (readonly string[])[]) {
  return fixture.call('HASHLANE.EXEC', mode, commands.length, ...packed(...commands));
}

t.test('commands in a row', async (t) => {
  const fixture = new EngineFixture();
  t.equal(
    exec(fixture, 'N', ['SET', 'a', '1'], ['INCR', 'a'], ['LPUSH', 'a', 'x'], ['DBSIZE']),
    '*4\r\n+OK\r\n:2\r\n' +
      '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n:1\r\n',
  );
  t.equal(exec(fixture, 'N', ['BLPOP', 'none', '0']), '*1\r\n*-1\r\n');
  t.equal(fixture.call('GET', 'a'), '$1\r\n2\r\n', 'the request is whole again');
});

t.test('who waits is served after the last command', async (t) => {
  const fixture = new EngineFixture();
  fixture.connection = 7;
  fixture.call('BLPOP', 'l', 0);
  fixture.connection = 1;
  t.equal(exec(fixture, 'N', ['RPUSH', 'l', 'x'], ['LLEN', 'l']), '*2\r\n:1\r\n:1\r\n');
  t.same(fixture.late, [[7, '*2\r\n$1\r\nl\r\n$1\r\nx\r\n']]);
  t.equal(exec(fixture, 'N', ['RPUSH', 'l', 'x'], ['DEL', 'l']), '*2\r\n:1\r\n:1\r\n');
  t.equal(fixture.late.length, 1);
});

/** Does a transaction of connection 1 that watches `w` go through after these calls of another? */
function survives(prepare: (f: EngineFixture) => void, disturb: (f: EngineFixture) => void) {
  const fixture = new EngineFixture();
  prepare(fixture);
  fixture.call('HASHLANE.WATCH', 'w');
  fixture.connection = 2;
  disturb(fixture);
  fixture.connection = 1;
  fixture.database = 0;
  const answer = exec(fixture, 'W', ['EXISTS', 'w']);
  t.equal(fixture.engine.watches.size, 0, 'watching is over');
  return answer !== '*-1\r\n';
}

t.test('what counts as a change', async (t) => {
  const set = (f: EngineFixture): unknown => f.call('SET', 'w', 'v');
  const nothing = (): void => {};
  t.equal(survives(set, nothing), true);
  t.equal(
    survives(set, (f) => f.call('GET', 'w')),
    true,
    'reading',
  );
  t.equal(
    survives(set, (f) => f.call('SET', 'other', 'v')),
    true,
    'another key',
  );
  t.equal(
    survives(set, (f) => f.call('SET', 'w', 'x', 'NX')),
    true,
    'a write that wrote nothing',
  );
  t.equal(
    survives(set, (f) => f.call('SET', 'w', 'x')),
    false,
  );
  t.equal(
    survives(set, (f) => f.call('APPEND', 'w', 'x')),
    false,
  );
  t.equal(
    survives(set, (f) => f.call('DEL', 'w')),
    false,
  );
  t.equal(
    survives(set, (f) => f.call('EXPIRE', 'w', 100)),
    false,
  );
  t.equal(
    survives(set, (f) => f.call('RENAME', 'w', 'x')),
    false,
  );
  t.equal(
    survives(nothing, (f) => f.call('SET', 'w', 'x')),
    false,
    'a key that comes into being',
  );
  t.equal(
    survives(nothing, (f) => f.call('RPUSH', 'w', 'x')),
    false,
  );
  t.equal(
    survives(nothing, (f) => f.call('DEL', 'w')),
    true,
  );
  t.equal(
    survives(set, (f) => f.call('FLUSHALL')),
    false,
  );
  t.equal(
    survives(nothing, (f) => f.call('FLUSHALL')),
    true,
  );
  t.equal(
    survives(set, (f) => f.call('SWAPDB', 0, 1)),
    false,
  );
  t.equal(
    survives(nothing, (f) => f.call('SWAPDB', 0, 1)),
    true,
  );
  const inOther = (f: EngineFixture): void => {
    f.database = 1;
    f.call('SET', 'w', 'v');
  };
  t.equal(survives(set, inOther), true, 'the same key of another database');
});

t.test('deadlines', async (t) => {
  const soon = (f: EngineFixture): unknown => f.call('SET', 'w', 'v', 'PX', 10);
  const late = (f: EngineFixture): void => f.engine.setNow(f.engine.now + 20);
  t.equal(survives(soon, late), false, 'passed, and nobody has looked');
  t.equal(
    survives(soon, (f) => f.advance(20)),
    false,
    'passed, and deleted actively',
  );
  const past = (f: EngineFixture): void => {
    f.call('SET', 'w', 'v', 'PX', 10);
    f.engine.setNow(f.engine.now + 20);
  };
  t.equal(
    survives(past, (f) => f.call('GET', 'w')),
    true,
    'gone already when it was watched',
  );
});

t.test('a pop for a blocked client is a change', async (t) => {
  const fixture = new EngineFixture();
  fixture.connection = 3;
  fixture.call('BLMOVE', 'l', 'w', 'LEFT', 'LEFT', 0);
  fixture.connection = 1;
  fixture.call('HASHLANE.WATCH', 'w');
  fixture.connection = 2;
  fixture.call('RPUSH', 'l', 'x');
  fixture.connection = 1;
  t.equal(exec(fixture, 'W', ['LLEN', 'w']), '*-1\r\n');
});

t.test('a connection that nothing is known of fails', async (t) => {
  const fixture = new EngineFixture();
  t.equal(exec(fixture, 'W', ['DBSIZE']), '*-1\r\n', 'its shard was restarted');
  fixture.call('HASHLANE.WATCH', 'a', 'a', 'b');
  t.equal(fixture.call('HASHLANE.UNWATCH'), ':1\r\n');
  t.equal(fixture.call('HASHLANE.UNWATCH'), ':0\r\n');
  t.equal(fixture.engine.observesChanges, false);
});
