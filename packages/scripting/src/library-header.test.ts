import t from 'tap';
import { isFunctionName, readLibraryHeader } from './library-header.ts';

void t.test('name and code of a library', (t) => {
  const code = '\nline 2';
  const headers = [
    '#!lua name=lib',
    '#!LUA  NAME=lib ',
    '#!lua "name=lib"',
    "#!lua 'name=lib'\r",
    '#!lua name="lib"',
  ];
  for (const header of headers) {
    t.strictSame(readLibraryHeader(header + code), { name: 'lib', body: code }, header);
  }
  t.end();
});

void t.test('what is no header, in the order of the checks', (t) => {
  const problems = [
    ['return 1', 'ERR Missing library metadata'],
    ['\n#!lua name=a\n', 'ERR Missing library metadata'],
    ['#!lua name=a', 'ERR Invalid library metadata'],
    ['#!lua name="a\n', 'ERR Invalid library metadata'],
    ['#!lua\0 name=a\n', 'ERR Invalid library metadata'],
    ['#!js nam=a\n', 'ERR Invalid metadata value given: nam=a'],
    ['#!js name=a name=-\n', 'ERR Invalid metadata value, name argument was given multiple times'],
    ['#!js\n', 'ERR Library name was not given'],
    ['#!js name=a\n', "ERR Engine 'js' not found"],
    ['#! name=a\n', "ERR Engine '' not found"],
  ] as const;
  for (const [source, problem] of problems) t.equal(readLibraryHeader(source), problem);
  t.match(readLibraryHeader('#!js name=-\n'), /^ERR Library names can only contain/);
  t.end();
});

void t.test('names', (t) => {
  for (const name of ['a', 'Z9_', '_', '0']) t.ok(isFunctionName(name), name);
  for (const name of ['', 'a b', 'a-b', 'a\n', '\na', '\xe9', 'a\0']) t.notOk(isFunctionName(name));
  t.end();
});
