/** The checker of linearizability on histories whose verdict is known. */
import type { ReplyValue } from '@hashlane/harness/tools';
import t from 'tap';
import { judge, type Verdict } from './linearizability.ts';
import { nameOf, type State, type Value } from './model.ts';
import { Operation } from './operation.ts';

type Line = readonly [from: number, to: number, words: string, reply?: ReplyValue];

function history(lines: readonly Line[]): Operation[] {
  return lines.map(([from, to, text, reply], i) => {
    const requests = text.split('; ').map((words) => words.split(' '));
    const operation = new Operation(i, i, i, 0, requests);
    operation.invokedAt = from;
    operation.repliedAt = to;
    if (to === Infinity) operation.isLost = true;
    else operation.reply = reply as ReplyValue;
    return operation;
  });
}

function state(values: Readonly<Record<string, Value>>): State {
  return new Map(Object.entries(values).map(([key, value]) => [nameOf(0, key), value]));
}

interface Case {
  readonly name: string;
  readonly lines: readonly Line[];
  readonly before?: Readonly<Record<string, Value>>;
  readonly after: Readonly<Record<string, Value>>;
  readonly verdict: Verdict;
}

const YES = 'linearizable';
const NO = 'not linearizable';

const CASES: readonly Case[] = [
  { name: 'nothing', lines: [], after: {}, verdict: YES },
  { name: 'a change that nobody made', lines: [], after: { a: '1' }, verdict: NO },
  {
    name: 'a read beside a write may see either value',
    lines: [
      [1, 5, 'SET a 1', 'OK'],
      [2, 4, 'GET a', null],
      [2, 4, 'GET a', '1'],
    ],
    after: { a: '1' },
    verdict: YES,
  },
  {
    name: 'but not the old one after the new one',
    lines: [
      [1, 9, 'SET a 1', 'OK'],
      [2, 3, 'GET a', '1'],
      [4, 5, 'GET a', null],
    ],
    after: { a: '1' },
    verdict: NO,
  },
  {
    name: 'a stale read',
    lines: [
      [1, 2, 'SET a 1', 'OK'],
      [3, 4, 'GET a', null],
    ],
    after: { a: '1' },
    verdict: NO,
  },
  {
    name: 'a lost update',
    lines: [
      [1, 4, 'INCR a', 1],
      [2, 5, 'INCR a', 1],
    ],
    after: { a: '1' },
    verdict: NO,
  },
  {
    name: 'half of an MSET is seen',
    lines: [
      [1, 9, 'MSET a 1 b 1', 'OK'],
      [2, 3, 'MGET a b', ['1', null]],
    ],
    after: { a: '1', b: '1' },
    verdict: NO,
  },
  {
    name: 'an element that two moves took',
    lines: [
      [1, 5, 'LMOVE a b LEFT LEFT', 'x'],
      [2, 6, 'LPOP a', 'x'],
    ],
    before: { a: ['x'] },
    after: { b: ['x'] },
    verdict: NO,
  },
  {
    name: 'an element that is in neither list during a move',
    lines: [
      [1, 9, 'LMOVE a b LEFT LEFT', 'x'],
      [2, 3, 'LLEN a', 0],
      [4, 5, 'LLEN b', 0],
    ],
    before: { a: ['x'] },
    after: { b: ['x'] },
    verdict: NO,
  },
  {
    name: 'an unanswered write happened late',
    lines: [
      [1, Infinity, 'SET a 1'],
      [5, 6, 'GET a', null],
      [7, 8, 'GET a', '1'],
    ],
    after: { a: '1' },
    verdict: YES,
  },
  {
    name: 'an unanswered write never happened',
    lines: [[1, Infinity, 'SET a 1']],
    after: {},
    verdict: YES,
  },
  {
    name: 'a pop that waited',
    lines: [
      [1, 9, 'BLPOP a b 0', ['b', 'x']],
      [3, 5, 'RPUSH b x', 1],
    ],
    after: {},
    verdict: YES,
  },
  {
    name: 'a time-out although there was something all the time',
    lines: [[1, 9, 'BLPOP a 1', null]],
    before: { a: ['x'] },
    after: { a: ['x'] },
    verdict: NO,
  },
  {
    name: 'a transaction that another command looks into',
    lines: [
      [1, 9, 'MULTI; SET a 1; SET b 1; EXEC', ['OK', 'OK']],
      [2, 3, 'MGET a b', ['1', null]],
    ],
    after: { a: '1', b: '1' },
    verdict: NO,
  },
  {
    name: 'a popped element that comes back because its client is gone',
    lines: [
      [1, Infinity, 'BLPOP a 0'],
      [2, 3, 'RPUSH a x', 1],
      [4, 5, 'LLEN a', 0],
      [6, 7, 'LRANGE a 0 -1', ['x']],
    ],
    after: { a: ['x'] },
    verdict: YES,
  },
];

for (const { name, lines, before = {}, after, verdict } of CASES) {
  t.test(name, async (t) => {
    t.equal(judge(history(lines), state(before), state(after)).verdict, verdict);
  });
}

t.test('commands on one connection that share a key keep their order', async (t) => {
  const operations = history([
    [1, 9, 'SET a 1', 'OK'],
    [1, 9, 'SET a 2', 'OK'],
  ]).map((each, i) =>
    Object.assign(new Operation(i, 0, 7, 0, each.requests), { ...each, connection: 7 }),
  );
  t.equal(judge(operations, state({}), state({ a: '2' })).verdict, YES);
  t.equal(judge(operations, state({}), state({ a: '1' })).verdict, NO);
});
