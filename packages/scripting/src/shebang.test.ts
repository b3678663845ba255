/** First lines of scripts; texts of errors are held to redis-server by the conformance cases. */
import t from 'tap';
import { readHeader } from './shebang.ts';

void t.test('no first line', (t) => {
  for (const source of ['return 1', '', ' #!lua\nx', '-- #!lua\n']) {
    t.strictSame(readHeader(source), { flags: undefined, body: source });
  }
  t.end();
});

void t.test('flags', (t) => {
  const body = '\nreturn 1';
  for (const [line, flags] of [
    ['#!lua', []],
    ['#!lua ', []],
    ['#!lua flags=', []],
    ['#!lua flags=no-writes', ['no-writes']],
    ['#!lua  flags=allow-oom,no-cluster \r', ['allow-oom', 'no-cluster']],
    ['#!lua flags=no-writes flags=allow-stale', ['no-writes', 'allow-stale']],
    ['#!lua "flags=allow-cross-slot-keys"', ['allow-cross-slot-keys']],
  ] as const) {
    t.strictSame(readHeader(line + body), { flags: new Set(flags), body }, line);
  }
  t.end();
});

void t.test('errors', (t) => {
  for (const [source, problem] of [
    ['#!lua', /shebang/],
    ['#!Lua\n', /engine/],
    ['#!js\n', /engine/],
    ['#!lua "\n', /engine/],
    ['#!lua name=x\n', /option: name=x/],
    ['#!lua flags=x\n', /flag.*: x/],
    ['#!lua flags=no-writes,\n', /flag/],
  ] as const) {
    t.match(readHeader(source), problem, source);
  }
  t.end();
});
