/**
 * Whether two servers replied the same, where Redis leaves something open.
 *
 * Order is open in KEYS, and in what SCAN and RANDOMKEY find; the clock is in TTL, IDLETIME and
 * their like, which two servers read at different moments. Everything else is compared byte for
 * byte, but for the differences that are there on purpose: `TOLERATED` holds them,
 * docs/differences.md the reasons.
 */

import { parseReply } from './raw-reply.ts';

/** A TTL may differ by what passes between the two servers' answers, on a slow machine too. */
const CLOCK_MS = 20_000;

/**
 * True when `ours` is as good an answer to the command as `theirs`. `isCarried`: a value may have
 * come from another shard.
 */
export function isSameReply(
  words: readonly string[],
  theirs: string,
  ours: string,
  isCarried = false,
): boolean {
  if (theirs === ours || isTolerated(words, theirs, ours)) return true;
  if (isCarried && isStringEncoding(theirs) && isStringEncoding(ours)) return true;
  switch (words[0]?.toUpperCase()) {
    case 'KEYS':
      return sortedList(theirs) === sortedList(ours);
    case 'RANDOMKEY':
      return isKey(theirs) && isKey(ours);
    case 'SCAN':
      return isScanReply(theirs) && isScanReply(ours);
    case 'OBJECT':
      return words[1]?.toUpperCase() === 'IDLETIME' && isNear(theirs, ours, CLOCK_MS / 1000);
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
  return /^\$\d\r\n(int|embstr|raw)\r\n$/.test(raw);
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
  { commands: /^OBJECT ENCODING/, theirs: /^\$9\r\nquicklist/, ours: /^\$8\r\nlistpack/ },
  // 7.0 takes LONG_MIN as a rank, and negates it.
  { commands: /^LPOS .* RANK -9223372036854775808/, theirs: /./, ours: /^-ERR value is out of ra/ },
  // 7.0 lets a timeout overflow, and then finds it negative.
  {
    commands: /^B(L|R)/,
    theirs: /^-ERR timeout is negative/,
    ours: /^-ERR timeout is out of range/,
  },
];

function isTolerated(words: readonly string[], theirs: string, ours: string): boolean {
  const line = words.join(' ').toUpperCase();
  return TOLERATED.some(
    (each) => each.commands.test(line) && each.theirs.test(theirs) && each.ours.test(ours),
  );
}
