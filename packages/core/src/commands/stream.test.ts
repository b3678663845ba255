/** What redis-server 7.0 cannot be asked: what 7.2 does otherwise, clocks, and waiting in a shard. */

import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** Runs a line of words; a subcommand is found by its container and first word. */
function call(fixture: EngineFixture, line: string, connection = 1): string | undefined {
  const [name, ...args] = line.split(' ');
  fixture.connection = connection;
  const isPart = name === 'XGROUP' || name === 'XINFO';
  return fixture.call(isPart ? `${name}|${args[0]}` : name, ...args);
}

t.test('a consumer is there as soon as it asks', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XGROUP CREATE s g 0 MKSTREAM');
  for (const line of [
    'XREADGROUP GROUP g reader STREAMS s >',
    'XREADGROUP GROUP g history STREAMS s 0',
    'XCLAIM s g claimer 0 1-1',
    'XAUTOCLAIM s g taker 0 0',
  ]) {
    call(fixture, line);
  }
  const consumers = String(call(fixture, 'XINFO CONSUMERS s g'));
  for (const name of ['reader', 'history', 'claimer', 'taker']) t.match(consumers, bulk(name));
});

t.test('idle since it asked, inactive since it got something', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XGROUP CREATE s g 0 MKSTREAM');
  call(fixture, 'XREADGROUP GROUP g c STREAMS s >');
  fixture.advance(50);
  const shown = (idle: number, inactive: number): string =>
    `${bulk('idle')}:${idle}\r\n${bulk('inactive')}:${inactive}\r\n`;
  t.match(call(fixture, 'XINFO CONSUMERS s g'), shown(50, -1), 'never active');
  call(fixture, 'XADD s 1 f v');
  call(fixture, 'XREADGROUP GROUP g c STREAMS s >');
  fixture.advance(30);
  call(fixture, 'XREADGROUP GROUP g c STREAMS s >');
  fixture.advance(5);
  t.match(call(fixture, 'XINFO CONSUMERS s g'), shown(5, 35));
  call(fixture, 'XADD s 2 f v');
  call(fixture, 'XREADGROUP GROUP g c NOACK STREAMS s >');
  t.match(call(fixture, 'XINFO CONSUMERS s g'), shown(0, 35), 'NOACK takes nothing on');
  call(fixture, 'XCLAIM s g other 0 1-0');
  fixture.advance(3);
  t.match(call(fixture, 'XINFO CONSUMERS s g'), shown(3, 3));
  const seen = fixture.engine.now - 3;
  const full = String(call(fixture, 'XINFO STREAM s FULL'));
  t.match(full, `${bulk('seen-time')}:${seen}\r\n${bulk('active-time')}:${seen}\r\n`);
});

t.test('idle times of pending entries', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XGROUP CREATE s g 0 MKSTREAM');
  call(fixture, 'XADD s 1 f v');
  call(fixture, 'XADD s 2 f v');
  call(fixture, 'XREADGROUP GROUP g c COUNT 1 STREAMS s >');
  fixture.advance(100);
  call(fixture, 'XREADGROUP GROUP g c STREAMS s >');
  fixture.advance(20);
  t.match(call(fixture, 'XPENDING s g - + 10'), /:120\r\n:1\r\n.*:20\r\n:1\r\n/s);
  t.match(call(fixture, 'XPENDING s g IDLE 100 - + 10'), /^\*1\r\n.*:120\r\n/s);
  t.match(call(fixture, 'XCLAIM s g d 100 1 2 JUSTID'), /^\*1\r\n\$3\r\n1-0/);
  t.match(
    call(fixture, 'XAUTOCLAIM s g e 20 0 COUNT 1 JUSTID'),
    '$3\r\n0-0\r\n*1\r\n$3\r\n2-0\r\n',
  );
  t.match(call(fixture, 'XCLAIM s g d 0 1 IDLE 70'), /^\*1/);
  t.match(call(fixture, 'XPENDING s g - + 1'), ':70\r\n:2\r\n');
});

t.test('XAUTOCLAIM looks at ten entries for each that it may claim', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XGROUP CREATE s g 0 MKSTREAM');
  for (let i = 1; i <= 30; i++) call(fixture, `XADD s ${i} f v`);
  call(fixture, 'XREADGROUP GROUP g c STREAMS s >');
  const reply = call(fixture, 'XAUTOCLAIM s g d 1000 0 COUNT 2');
  t.equal(reply, '*3\r\n$4\r\n21-0\r\n*0\r\n*0\r\n');
});

t.test('IDs of the clock', async (t) => {
  const fixture = new EngineFixture({ now: 1_700_000_000_123 });
  t.equal(call(fixture, 'XADD s * f v'), bulk('1700000000123-0'));
  t.equal(call(fixture, 'XADD s * f v'), bulk('1700000000123-1'));
  fixture.engine.setNow(1_600_000_000_000);
  t.equal(call(fixture, 'XADD s * f v'), bulk('1700000000123-2'), 'never back');
  call(fixture, 'XSETID s 1700000000200-18446744073709551615');
  t.equal(call(fixture, 'XADD s * f v'), bulk('1700000000201-0'), 'over into the next');
});

t.test('texts of 7.2', async (t) => {
  const fixture = new EngineFixture();
  t.equal(
    call(fixture, 'XREADGROUP GROUP g c STREAMS s'),
    "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be " +
      'specified.\r\n',
  );
  t.match(call(fixture, 'XREAD STREAMS s'), "-ERR Unbalanced 'xread' list");
  call(fixture, 'XADD s 5 f v');
  call(fixture, 'XADD s 7 f v');
  call(fixture, 'XDEL s 7');
  t.equal(
    call(fixture, 'XSETID s 6'),
    '-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id\r\n',
  );
});

t.test('many fields, and fields of all lengths', async (t) => {
  const fixture = new EngineFixture();
  fixture.flags = REQUEST_RESP3;
  const lengths = [0, 1, 63, 64, 4095, 4096, 70_000];
  const words = lengths.flatMap((length) => ['f'.repeat(length), 'v'.repeat(length)]);
  for (let i = 1; i <= 3; i++) fixture.call('XADD', 's', `${i}`, ...words);
  const many = Array.from({ length: 600 }, (_, i) => String(i));
  fixture.call('XADD', 's', '4', ...many);
  const entry = (id: string, pairs: readonly string[]): string =>
    `*2\r\n${bulk(id)}*${pairs.length}\r\n${pairs.map(bulk).join('')}`;
  const whole = ['1-0', '2-0', '3-0'].map((id) => entry(id, words));
  t.equal(call(fixture, 'XRANGE s - +'), `*4\r\n${whole.join('')}${entry('4-0', many)}`);
  t.equal(call(fixture, 'XREVRANGE s + (3'), `*1\r\n${entry('4-0', many)}`);
});

t.test('a waiter of several shards is asked before it claims', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  let wins = 0;
  call(fixture, 'XADD s 3 f v');
  engine.claim = {
    win: () => {
      wins++;
      return wins === 1;
    },
    guard: () => false,
    isGuarded: () => false,
  };
  t.equal(call(fixture, 'XREAD BLOCK 0 STREAMS s t 5 5', 2), undefined, 'blocks, though s exists');
  engine.claim = undefined;
  call(fixture, 'XADD s 4 f v');
  call(fixture, 'XADD t 5-0 f v');
  t.equal(wins, 0, 'nothing to serve: the right to it is still open');
  call(fixture, 'XADD t 6 f v');
  t.equal(wins, 1);
  t.match(fixture.late, [[2, /^\*1\r\n\*2\r\n\$1\r\nt\r\n/]]);
  t.equal(engine.waiters.size, 0);
});

t.test('another shard was faster', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XADD s 6 f v');
  fixture.engine.claim = { win: () => false, guard: () => false, isGuarded: () => false };
  t.equal(call(fixture, 'XREAD BLOCK 0 STREAMS s 5', 2), '*-1\r\n');
  t.equal(call(fixture, 'XREAD BLOCK 0 STREAMS s 6', 2), undefined);
  fixture.engine.claim = undefined;
  call(fixture, 'XADD s 7 f v');
  t.strictSame(fixture.late, [], 'it has forgotten the waiter');
  t.equal(fixture.engine.waiters.size, 0);
});

t.test('`$` stays what it was', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XADD s 5-7 f v');
  call(fixture, 'XREAD BLOCK 0 STREAMS none s $ $', 2);
  call(fixture, 'XSETID s 9-9');
  call(fixture, 'XDEL s 5-7');
  t.equal(fixture.late.length, 0);
  call(fixture, 'XADD s 10 f v');
  t.match(fixture.late, [[2, '10-0']]);
});

t.test('a time-out leaves the consumer as it was', async (t) => {
  const fixture = new EngineFixture();
  call(fixture, 'XGROUP CREATE s g 0 MKSTREAM');
  call(fixture, 'XREADGROUP GROUP g c BLOCK 50 STREAMS s >', 2);
  fixture.advance(60);
  t.strictSame(fixture.late, [[2, '*-1\r\n']]);
  t.match(call(fixture, 'XINFO CONSUMERS s g'), `${bulk('idle')}:60\r\n`);
});
