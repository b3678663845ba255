/**
 * What random programs say to the stream commands; see vocabulary.ts.
 *
 * IDs come from one clock per program, so that most additions are accepted and most IDs are near an
 * entry. None is made of the server's time, which two servers do not share: `*` is replaced. For the
 * same reason idle times are nothing or very long, whatever the clock says.
 *
 * Consumers that only ask are made by Redis 7.2, and not by 7.0: `settlingCommands` makes them on
 * both servers.
 */

import type { ReplyValue } from './raw-reply.ts';
import type { SeededRandom } from './seeded-random.ts';

export const STREAM_KEYS = ['x1', 'x2', 'x3', '{tag}x'];
const GROUPS = ['g', 'h', ''];
const CONSUMERS = ['alice', 'bob', '1', 'c\x00d'];
const ODD_IDS = [
  '-',
  '+',
  '$',
  '>',
  '*',
  'x',
  '',
  '1-x',
  '-1',
  '1-*',
  '01-01',
  ' 1',
  '+1',
  '1--05',
  '(5',
  '0',
  '0-0',
  '0-*',
  '18446744073709551615',
  '18446744073709551616',
  '18446744073709551615-18446744073709551615',
  '9007199254740993-1',
  '1-9007199254740993',
];

/** The time of a program, which its seed carries. */
const clocks = new WeakMap<SeededRandom, number>();

function now(random: SeededRandom): number {
  return clocks.get(random) ?? 1;
}

function nextId(random: SeededRandom): string {
  const time = now(random) + (random.oneIn(3) ? 1 + random.below(2) : 0);
  clocks.set(random, time);
  if (random.oneIn(4)) return `${time}-*`;
  return random.oneIn(3) ? String(time) : `${time}-${random.below(12)}`;
}

function nearId(random: SeededRandom): string {
  if (random.oneIn(20)) return random.pick(ODD_IDS);
  const time = Math.max(0, now(random) + 2 - random.below(random.oneIn(2) ? 6 : now(random) + 3));
  return random.oneIn(2) ? String(time) : `${time}-${random.below(6)}`;
}

function interval(random: SeededRandom, edge: string): string {
  if (random.oneIn(3)) return edge;
  return random.oneIn(5) ? `(${nearId(random)}` : nearId(random);
}

const FAR = ['0', '0', '5000000', '100000000000'];

export function streamWord(name: string, random: SeededRandom): string | undefined {
  switch (name) {
    case 'id':
    case 'lastid':
    case 'max-deleted-id':
      return nearId(random);
    case 'start':
      return interval(random, '-');
    case 'end':
      return interval(random, '+');
    case 'threshold':
      return random.oneIn(2) ? String(random.below(12)) : nearId(random);
    case 'group':
      return random.oneIn(12) ? random.pick(GROUPS) : 'g';
    case 'consumer':
      return random.pick(CONSUMERS);
    case 'field':
      return random.oneIn(6) ? undefined : random.pick(['a', 'b', '7']);
    case 'milliseconds':
      return random.oneIn(8) ? random.pick(['-1', 'x', '', '1.5']) : '2';
    case 'min-idle-time':
    case 'ms':
      return random.oneIn(10) ? random.pick(['-1', 'x', '']) : random.pick(FAR);
    case 'unix-time-milliseconds':
      return random.pick(['0', '1', '33000000000000', '-5', 'x']);
    case 'count':
    case 'entries-read':
    case 'entries-added':
      return random.oneIn(8) ? undefined : String(random.below(8));
    default:
      return undefined;
  }
}

/** Gives a random stream command IDs of the program's clock, and as many IDs as keys. */
export function fitStreamCommand(words: readonly string[], random: SeededRandom): string[] {
  if (words[0] === 'XADD') return fitAdd(words, random);
  if (words[1] === 'CREATE' && !random.oneIn(4)) {
    const id = random.oneIn(3) ? nearId(random) : random.pick(['0', '$']);
    const count = random.oneIn(3) ? ['ENTRIESREAD', String(random.below(5))] : [];
    return [...words.slice(0, 3), 'g', id, 'MKSTREAM', ...count];
  }
  if (words[0] === 'XSETID') {
    // Below the greatest deleted ID 7.0 accepts what 7.2 refuses.
    clocks.set(random, now(random) + 1);
    return words.map((word, i) => (i === 2 ? String(now(random)) : word));
  }
  const at = words.findIndex((word) => word.toUpperCase() === 'STREAMS');
  if (!words[0]!.startsWith('XREAD') || at < 0 || random.oneIn(12)) return [...words];
  const keys = Array.from({ length: random.oneIn(4) ? 1 + random.below(3) : 1 }, () =>
    random.pick(random.oneIn(20) ? ['s1', 'none'] : STREAM_KEYS),
  );
  const isGroup = words[0] === 'XREADGROUP';
  const ids = keys.map(() => {
    if (random.oneIn(3)) return nearId(random);
    return isGroup ? '>' : random.pick(['0', '$']);
  });
  return [...words.slice(0, at + 1), ...keys, ...ids];
}

/** Nearly every addition gets an ID that should be accepted, and none the server's time. */
function fitAdd(words: readonly string[], random: SeededRandom): string[] {
  const at = idPosition(words);
  if (words[at] !== '*' && random.oneIn(8)) return [...words];
  return words.map((word, i) => (i === at ? nextId(random) : word));
}

function idPosition(words: readonly string[]): number {
  let at = 2;
  for (; at < words.length; at++) {
    const word = words[at]!.toUpperCase();
    if (word === 'MAXLEN' || word === 'MINID') at += /^[=~]$/.test(words[at + 1] ?? '') ? 2 : 1;
    else if (word === 'LIMIT') at++;
    else if (word !== 'NOMKSTREAM') break;
  }
  return at;
}

/** Commands after one that asks for a consumer: it is there then, in 7.0 as in 7.2. */
export function settleConsumers(words: readonly string[]): string[][] {
  const name = words[0]?.toUpperCase();
  if (name === 'XCLAIM' || name === 'XAUTOCLAIM') {
    return words.length > 3 ? [['XGROUP', 'CREATECONSUMER', ...words.slice(1, 4)]] : [];
  }
  if (name !== 'XREADGROUP') return [];
  const at = words.findIndex((word) => word.toUpperCase() === 'GROUP');
  const streams = words.findIndex((word) => word.toUpperCase() === 'STREAMS');
  if (at < 0 || streams < 0 || at + 2 >= words.length) return [];
  const rest = words.slice(streams + 1);
  return rest
    .slice(0, rest.length >> 1)
    .map((key) => ['XGROUP', 'CREATECONSUMER', key, words[at + 1]!, words[at + 2]!]);
}

const HIDDEN = new Set(['active-time', 'inactive']);
const CLOCKS = new Set(['seen-time', 'idle']);

/** What XINFO says, without what depends on the clock and without what is new in 7.2. */
export function withoutTimes(value: ReplyValue): ReplyValue {
  if (!Array.isArray(value)) return value;
  const shown: ReplyValue[] = [];
  for (let i = 0; i < value.length; i++) {
    const each = value[i]!;
    if (typeof each === 'string' && HIDDEN.has(each)) {
      i++;
    } else if (typeof each === 'string' && CLOCKS.has(each) && typeof value[i + 1] === 'number') {
      shown.push(each, 'a time');
      i++;
    } else if (each === 'pending' && Array.isArray(value[i + 1])) {
      shown.push(each, pendingRows(value[i + 1] as ReplyValue[]));
      i++;
    } else {
      shown.push(withoutTimes(each));
    }
  }
  return shown;
}

/** Rows that end with a time and a count. */
export function pendingRows(rows: readonly ReplyValue[]): ReplyValue[] {
  return rows.map((row) =>
    Array.isArray(row) ? row.map((each, i) => (i === row.length - 2 ? 'a time' : each)) : row,
  );
}
