/**
 * What is in a server, read by commands every server has: the end of a differential test compares
 * whole databases, so that a wrong effect shows even where no reply did.
 */

import type { RawClient } from './raw-client.ts';
import { ReplyError, type ReplyValue } from './raw-reply.ts';
import { inPairs } from './reply-comparison.ts';
import { withoutTimes } from './stream-words.ts';

/** All keys by SCAN, each once, sorted. Leaves `db` selected. */
export async function scanKeys(client: RawClient, db: number, ...options: string[]) {
  await client.text('SELECT', db);
  const found = new Set<string>();
  let cursor = '0';
  do {
    const reply = await client.value('SCAN', cursor, ...options);
    if (!Array.isArray(reply)) throw new Error(`SCAN replied ${JSON.stringify(reply)}`);
    cursor = String(reply[0]);
    for (const key of reply[1]) found.add(String(key));
  } while (cursor !== '0');
  return [...found].sort();
}

/** `db key → type, value, deadline` of every key in the first databases, as sorted lines. */
export async function walk(client: RawClient, databases: number): Promise<string[]> {
  const lines: string[] = [];
  for (let db = 0; db < databases; db++) {
    const keys = await scanKeys(client, db);
    const size = await client.value('DBSIZE');
    if (size !== keys.length) lines.push(`${db}: DBSIZE ${size}, but SCAN found ${keys.length}`);
    for (const key of keys)
      lines.push(`${db} ${JSON.stringify(key)} ${await contentOf(client, key)}`);
  }
  return lines;
}

/** The command that replies a whole value, by type. What comes in no order is put into one. */
const READERS: Readonly<Record<string, (key: string) => string[]>> = {
  list: (key) => ['LRANGE', key, '0', '-1'],
  hash: (key) => ['HGETALL', key],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  stream: (key) => ['XINFO', 'STREAM', key, 'FULL', 'COUNT', '0'],
};

/** Digits of a score that count: the last ones of a distance are the C library's. */
const SCORE_DIGITS = 12;

/** A score without its last digits, unless it is a whole number. */
function rounded(score: ReplyValue): ReplyValue {
  const value = Number(score);
  return Number.isInteger(value) ? score : value.toPrecision(SCORE_DIGITS);
}

/** Members and scores: pairs in RESP3, flat in RESP2. */
function withRoundedScores(value: readonly ReplyValue[]): ReplyValue {
  return value.map((each, i) => {
    if (Array.isArray(each)) return [each[0]!, rounded(each[1]!)];
    return i % 2 === 1 ? rounded(each) : each;
  });
}

/** The members of a set or pairs of a hash, sorted; anything else as it is. */
function inOrder(type: string, value: ReplyValue): ReplyValue {
  if (type === 'zset' && Array.isArray(value)) return withRoundedScores(value);
  if (type === 'stream') return withoutTimes(value);
  if (type === 'hash' && Array.isArray(value)) return inPairs(value);
  return type === 'set' && Array.isArray(value) ? [...value].sort() : value;
}

async function contentOf(client: RawClient, key: string): Promise<string> {
  const type = String(await client.value('TYPE', key));
  const value = await client.value(...(READERS[type]?.(key) ?? ['GET', key]));
  // A deadline in seconds differs by the moment it was set at; that there is one does not.
  const deadline = Number(await client.value('EXPIRETIME', key));
  const shown = value instanceof ReplyError ? value.message : JSON.stringify(inOrder(type, value));
  return `${type} ${shown} ${deadline < 0 ? 'stays' : `until ${Math.round(deadline / 1000)}`}`;
}
