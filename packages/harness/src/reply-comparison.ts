/**
 * Whether two servers replied the same, where Redis leaves something open.
 *
 * Order is open in KEYS and of the members of sets, and so is what SCAN, RANDOMKEY and random members find; the clock is in TTL, IDLETIME and
 * their like, which two servers read at different moments. Everything else is compared byte for
 * byte, but for the differences that are there on purpose: `TOLERATED` holds them,
 * docs/differences.md the reasons.
 */

import { parseReply, type ReplyValue, replyEnd } from './raw-reply.ts';
import { pendingRows, withoutTimes } from './stream-words.ts';

/** A TTL may differ by what passes between the two servers' answers, on a slow machine too. */
const CLOCK_MS = 20_000;

/**
 * Where the value may come from that a command looks at: COPY may have made it, or RENAME or COPY
 * may have carried it to another shard.
 */
export type Origin = 'own' | 'copied' | 'carried';

/** True when `ours` is as good an answer to the command as `theirs`. */
export function isSameReply(
  words: readonly string[],
  theirs: string,
  ours: string,
  origin: Origin = 'own',
): boolean {
  if (theirs === ours || isTolerated(words, theirs, ours)) return true;
  if (origin === 'carried' && isStringEncoding(theirs) && isStringEncoding(ours)) return true;
  if (origin === 'carried' && isFreshEncoding(words, theirs, ours)) return true;
  if (origin !== 'own' && isSmallerEncoding(words, theirs, ours)) return true;
  switch (words[0]?.toUpperCase()) {
    case 'KEYS':
      return sortedList(theirs) === sortedList(ours);
    case 'RANDOMKEY':
      return isKey(theirs) && isKey(ours);
    case 'SCAN':
      return isScanReply(theirs) && isScanReply(ours);
    case 'SMEMBERS':
    case 'SINTER':
    case 'SUNION':
    case 'SDIFF':
      return theirs[0] === ours[0] && sortedList(theirs) === sortedList(ours);
    case 'HKEYS':
    case 'HVALS':
      return theirs[0] === ours[0] && sortedList(theirs) === sortedList(ours);
    case 'HGETALL':
      return theirs[0] === ours[0] && sortedPairs(theirs) === sortedPairs(ours);
    case 'HRANDFIELD':
    case 'ZRANDMEMBER':
      return areAsRandomFields(words, theirs, ours);
    case 'HSCAN':
    case 'ZSCAN':
      return isFieldScan(words, theirs, ours);
    case 'SPOP':
    case 'SRANDMEMBER':
      return isAsRandom(words, theirs, ours);
    case 'SORT':
    case 'SORT_RO':
      return isSortedByWeight(words, theirs, ours);
    case 'SSCAN':
      return isScanOfAll(words, theirs, ours);
    case 'XINFO':
      return areSameTexts(withoutTimes(parseReply(theirs)), withoutTimes(parseReply(ours)));
    case 'XPENDING':
      return isSamePending(theirs, ours);
    case 'OBJECT':
      return words[1]?.toUpperCase() === 'IDLETIME' && isNear(theirs, ours, CLOCK_MS / 1000);
    case 'EVAL':
    case 'EVAL_RO':
    case 'EVALSHA':
    case 'EVALSHA_RO':
      return unordered(theirs) === unordered(ours);
    case 'MEMORY':
      return /^:[1-9]/.test(theirs) && /^:[1-9]/.test(ours);
    case 'HELLO':
      return maskHello(theirs) === maskHello(ours);
    case 'TTL':
    case 'EXPIRETIME':
      return isNear(theirs, ours, CLOCK_MS / 1000);
    case 'PTTL':
    case 'PEXPIRETIME':
      return isNear(theirs, ours, CLOCK_MS);
    default:
      return false;
  }
}

/** A string that RENAME or COPY carried to another shard is as if it were written there. */
function isStringEncoding(raw: string): boolean {
  return /^\$\d\r\n(int|embstr|raw)\r\n(\+string\r\n)?$/.test(raw);
}

/** A hash or sorted set that was copied is as if its members were added to a new one. */
function isSmallerEncoding(words: readonly string[], theirs: string, ours: string): boolean {
  if (!/^OBJECT ENCODING/i.test(words.join(' '))) return false;
  return (
    /\r\n(hashtable|skiplist)\r\n\+(hash|zset)\r/.test(theirs) && ours.includes('\nlistpack\r')
  );
}

/** A set that was carried is as if its members were added to a new one. */
function isFreshEncoding(words: readonly string[], theirs: string, ours: string): boolean {
  if (!/^OBJECT ENCODING/i.test(words.join(' '))) return false;
  return theirs.includes('hashtable') && ours.includes('intset');
}

/** A reply with its maps and sets sorted: a script's tables are in no order. */
function unordered(raw: string): string {
  const bytes = Buffer.from(raw, 'latin1');
  const kind = raw[0]!;
  if (!'*%~'.includes(kind)) return raw;
  const parts: string[] = [];
  let at = raw.indexOf('\r\n') + 2;
  while (at < raw.length) {
    const end = replyEnd(bytes, at, bytes.length);
    parts.push(unordered(raw.slice(at, end)));
    at = end;
  }
  if (kind === '~') parts.sort();
  if (kind !== '%') return kind + parts.join('');
  return kind + inPairs(parts).join('');
}

function sortedList(raw: string): string {
  const value = parseReply(raw);
  return Array.isArray(value) ? JSON.stringify([...value].sort()) : raw;
}

function isKey(raw: string): boolean {
  return raw.startsWith('$') && raw !== '$-1\r\n';
}

function isScanReply(raw: string): boolean {
  return raw.startsWith('*2\r\n$');
}

/** Random members: as many in each, no one twice where that is promised, the same if all came. */
function isAsRandom(words: readonly string[], theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (typeof a === 'string' && typeof b === 'string') return theirs[0] === ours[0];
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  if (theirs[0] !== ours[0] || a.length !== b.length) return false;
  const count = Number(words[2]);
  if (count < 0) return true;
  if (new Set(b).size !== b.length) return false;
  return b.length === count || sortedList(theirs) === sortedList(ours);
}

/**
 * Random programs have few weights, so most elements are equal to BY, and a set of equals has no
 * order. LIMIT then cuts out any of them.
 */
function isSortedByWeight(words: readonly string[], theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  const options = words.slice(2).map((word) => word.toUpperCase());
  if (!options.includes('BY')) return areSameToNul(a, b);
  return options.includes('LIMIT') || sortedList(theirs) === sortedList(ours);
}

/** ALPHA compares texts up to a zero byte in Redis. */
function areSameToNul(a: readonly ReplyValue[], b: readonly ReplyValue[]): boolean {
  const head = (value: ReplyValue | undefined): string => String(value).split('\0', 1)[0]!;
  return a.every((value, i) => head(value) === head(b[i]));
}

/** Parts of a scan may differ; when it begins and ends with this call, the members may not. */
function isScanOfAll(words: readonly string[], theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (!Array.isArray(a) || !Array.isArray(b) || b.length !== 2) return false;
  if (words[2] !== '0' || a[0] !== '0' || b[0] !== '0') return isScanReply(ours);
  return JSON.stringify([...a[1]].sort()) === JSON.stringify([...b[1]].sort());
}

/** The pairs of a flat list, sorted. */
export function inPairs(list: readonly ReplyValue[]): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < list.length; i += 2) pairs.push(JSON.stringify([list[i], list[i + 1]]));
  return pairs.sort();
}

function sortedPairs(raw: string): string {
  const value = parseReply(raw);
  return Array.isArray(value) ? inPairs(value).join() : raw;
}

/** Random fields: as many in each, no one twice where that is promised, the same if all came. */
function areAsRandomFields(words: readonly string[], theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (theirs[0] !== ours[0]) return false;
  if (typeof a === 'string' && typeof b === 'string') return true;
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  const isFlat = words.length > 3 && !Array.isArray(b[0]);
  const [all, mine] = [a, b].map((list) => (isFlat ? inPairs(list) : asTexts(list)));
  const count = Number(words[2]);
  if (count < 0) return true;
  if (new Set(mine).size !== mine!.length) return false;
  return mine!.length === count || all!.join() === mine!.join();
}

function asTexts(list: readonly ReplyValue[]): string[] {
  return list.map((each) => JSON.stringify(each)).sort();
}

/** Parts of a scan may differ; when it begins and ends with this call, the fields may not. */
function isFieldScan(words: readonly string[], theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (!Array.isArray(a) || !Array.isArray(b) || b.length !== 2) return false;
  if (words[2] !== '0' || a[0] !== '0' || b[0] !== '0') return isScanReply(ours);
  return inPairs(a[1]).join() === inPairs(b[1]).join();
}

function areSameTexts(a: ReplyValue, b: ReplyValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Pending entries, but for how long they have been idle. */
function isSamePending(theirs: string, ours: string): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  return areSameTexts(pendingRows(a), pendingRows(b));
}

/** Version and connection number are the server's own. */
function maskHello(raw: string): string {
  return raw.replace(/(version\r\n)\$\d+\r\n[\d.]+/, '$1x').replace(/(id\r\n:)\d+/, '$1x');
}

function isNear(theirs: string, ours: string, bound: number): boolean {
  const [a, b] = [parseReply(theirs), parseReply(ours)];
  if (typeof a !== 'number' || typeof b !== 'number' || a < 0 || b < 0) return false;
  return Math.abs(a - b) <= bound;
}

/** One difference of docs/differences.md: the texts of Redis 7.0 and of 7.2, for these commands. */
interface Tolerated {
  readonly commands: RegExp;
  readonly theirs: RegExp;
  readonly ours: RegExp;
}

const TOLERATED: readonly Tolerated[] = [
  // A list of one node is a listpack since 7.2.
  {
    commands: /^OBJECT ENCODING/,
    theirs: /^\$9\r\nquicklist\r\n(\+list\r\n)?$/,
    ours: /^\$8\r\nlistpack\r\n(\+list\r\n)?$/,
  },
  // A small set is a listpack since 7.2.
  {
    commands: /^OBJECT ENCODING/,
    theirs: /^\$9\r\nhashtable\r\n(\+set\r\n)?$/,
    ours: /^\$8\r\nlistpack\r\n(\+set\r\n)?$/,
  },
  // 7.4 knows NOVALUES.
  { commands: /^HSCAN .* NOVALUES/, theirs: /^-ERR syntax error/, ours: /^\*2/ },
  // 7.0 names XREAD whatever the command, and always `$`.
  {
    commands: /^XREAD(GROUP)? /,
    theirs: /^-ERR Unbalanced XREAD list/,
    ours: /^-ERR Unbalanced 'xread(group)?' list/,
  },
  // 7.2 has made the consumer already when it asked; see stream-words.ts.
  { commands: /^XGROUP CREATECONSUMER/, theirs: /^:1\r/, ours: /^:0\r/ },
  // 7.0 lets a time-out overflow.
  { commands: /^XREAD.* BLOCK 9223372036854775807/, theirs: /./, ours: /^-ERR timeout is out of/ },
  // 7.0 takes LONG_MIN as a rank, and negates it.
  { commands: /^LPOS .* RANK -9223372036854775808/, theirs: /./, ours: /^-ERR value is out of ra/ },
  // 7.0 lets a timeout overflow, and then finds it negative.
  {
    commands: /^B(L|R|Z)/,
    theirs: /^-ERR timeout is negative/,
    ours: /^-ERR timeout is out of range/,
  },
  // WITHSCORE came with 7.2.
  { commands: /^Z(REV)?RANK /, theirs: /^-ERR wrong number/, ours: /./ },
];

function isTolerated(words: readonly string[], theirs: string, ours: string): boolean {
  const line = words.join(' ').toUpperCase();
  return TOLERATED.some(
    (each) => each.commands.test(line) && each.theirs.test(theirs) && each.ours.test(ours),
  );
}
