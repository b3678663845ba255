/**
 * Bytes to send, good and bad, for the comparison of protocols. What the right reply is says
 * redis-server: the vectors hold only input.
 *
 * `fails`: the server closes the connection after its error reply. Such a vector ends with the byte
 * that shows the mistake, so that the server has read everything when it closes; with unread input
 * the kernel would send RST, and the client might never see the reply.
 */

import { request } from '../raw-client.ts';

export interface Vector {
  readonly name: string;
  readonly bytes: Buffer;
  readonly fails?: boolean;
  /** Where Redis's answer depends on how its reads were cut. */
  readonly onlyWhole?: boolean;
}

function good(name: string, ...parts: readonly (string | Buffer)[]): Vector {
  return { name, bytes: join(parts) };
}

function bad(name: string, ...parts: readonly (string | Buffer)[]): Vector {
  return { name, bytes: join(parts), fails: true };
}

function join(parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
}

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const NEWLINES = '\r\n$5\r\nhello\r\n*1\r\n\r\n\n\r';
const LONG = 'x'.repeat(100_000);

export const vectors: readonly Vector[] = [
  good('one command', request('PING')),
  good('a pipeline', request('SET', 'k', 'v'), request('GET', 'k'), request('DEL', 'k')),
  good('an empty argument', request('SET', '', ''), request('GET', ''), request('DEL', '')),
  good('every byte', request('SET', ALL_BYTES, ALL_BYTES), request('GET', ALL_BYTES)),
  good('line ends in a value', request('SET', NEWLINES, NEWLINES), request('GET', NEWLINES)),
  good('a large argument', request('SET', 'k', LONG), request('STRLEN', 'k'), request('GET', 'k')),
  good('many arguments', request('DEL', ...Array.from({ length: 3000 }, (_, i) => `key:${i}`))),
  good('nothing: an empty array', '*0\r\n', request('PING')),
  good('nothing: counts below zero', '*-1\r\n*-10\r\n', request('PING')),
  good('nothing: empty lines', '\r\n\n\r\n  \r\n', request('PING')),
  good('inline', 'PING\r\n', 'ping hello\r\n', 'SET k v\nGET k\r\n'),
  good('inline: blanks', '   PING \t x  \r\n'),
  good('inline: double quotes', 'ECHO "a b\\x41\\n\\"\\\\\\t\\q"\r\n', 'ECHO ""\r\n'),
  good('inline: single quotes', "ECHO 'a \\' b \\n'\r\n", "ECHO ''\r\n"),
  good('inline: quote within a word', 'ECHO a"b c"\r\n'),
  good('inline: bytes above 127', 'ECHO \xe4\xff\x80\r\n'),
  good('inline: hexadecimal that is none', 'ECHO "\\xg1 \\x1"\r\n'),
  good('inline and arrays mixed', 'PING\r\n', request('ECHO', 'x'), 'PING y\r\n'),
  good('inline: carriage return inside', 'ECHO a\rb\r\n'),
  good('unknown command', request('NOPE', 'a', 'b'), 'nope\r\n', request('')),
  good('unknown command, long', request('N'.repeat(300), 'a'.repeat(300), 'b'.repeat(300))),
  good('unknown command, line ends', request('NO\r\nPE', 'a\nb', 'c\r')),
  good('unknown command, many arguments', request('NOPE', ...Array(100).fill('0123456789'))),
  good('unknown subcommand', request('CLIENT', 'NOPE', 'x'), request('OBJECT', 'no\npe')),
  good('wrong number of arguments', request('GET'), request('get', 'a', 'b'), 'SET k\r\n'),
  good('arity of subcommands', request('CLIENT', 'GETNAME', 'x'), request('OBJECT', 'ENCODING')),
  good('a container alone', request('CLIENT'), request('OBJECT'), request('CONFIG')),
  good('case of names', request('pInG'), request('eChO', 'X'), request('client', 'getname')),
  good('one digit with zero', '*1\r\n$4\r\nPING\r\n', '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n'),
  good('the end of an argument is not looked at', '*1\r\n$4\r\nPINGxy', request('PING')),
  good('HELLO with wrong versions', request('HELLO', '9'), request('HELLO', 'x')),
  good('HELLO with wrong options', request('HELLO', '3', 'NOPE'), request('HELLO', '2', 'SETNAME')),
  good('QUIT-like words', request('QUITE'), request('RESE')),
  good('RESET', request('SELECT', '3'), request('RESET'), request('PING')),
  { name: 'QUIT', bytes: request('QUIT'), fails: true },
  { name: 'QUIT behind others', bytes: join([request('PING'), request('QUIT')]), fails: true },

  bad('count: no number', '*x\r\n'),
  bad('count: nothing', '*\r\n'),
  bad('count: sign', '*+1\r\n'),
  bad('count: leading zero', '*01\r\n'),
  bad('count: minus zero', '*-0\r\n'),
  bad('count: blank', '* 1\r\n'),
  bad('count: fraction', '*1.0\r\n'),
  bad('count: too large', '*2147483648\r\n'),
  bad('count: beyond 64 bits', '*99999999999999999999\r\n'),
  bad('length: no dollar', '*1\r\nPING\r\n'),
  bad('length: colon', '*2\r\n$4\r\nECHO\r\n:5\r\n'),
  bad('length: no number', '*1\r\n$abc\r\n'),
  bad('length: nothing', '*1\r\n$\r\n'),
  bad('length: below zero', '*1\r\n$-1\r\n'),
  bad('length: leading zero', '*1\r\n$04\r\n'),
  bad('length: too large', '*1\r\n$536870913\r\n'),
  bad('length: beyond 64 bits', '*1\r\n$99999999999999999999\r\n'),
  bad('after a good command', request('SET', 'k', 'v'), '*1\r\n$-5\r\n'),
  bad('quotes that do not end', 'ECHO "abc\r\n'),
  bad('single quotes that do not end', "ECHO 'abc\r\n"),
  bad('text behind a quote', 'ECHO "abc"d\r\n'),
  { ...bad('a line without end', 'x'.repeat(65_540)), onlyWhole: true },
  { ...bad('a count without end', `*${'1'.repeat(65_540)}`), onlyWhole: true },
  { ...bad('a length without end', `*1\r\n$${'1'.repeat(65_540)}`), onlyWhole: true },
];
