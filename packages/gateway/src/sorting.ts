/**
 * SORT and SORT_RO on a server with several shards, where the keys that BY and GET name may be
 * anywhere: core's commands/sort.ts says what is missing, the values are fetched from their shards,
 * and it is asked again. Two rounds do, one for the weights and one for the GETs, unless other
 * clients change the key meanwhile; after ROUNDS_MAX what is not there counts as not existing.
 * Where the patterns can only name keys of the sorted key's shard, or there are none, that shard
 * executes the command alone (`sortsAlone`).
 *
 * The result comes to the gateway, and with STORE goes on to the destination's shard.
 */
import { Block, bulkOf, elementsOf, integerOf, isError, type RequestParser } from '@hashlane/resp';
import type { Coordinated } from './coordinator.ts';
import type { ReplyFunction } from './server-command.ts';

const ROUNDS_MAX = 8;
const NO_BYTES = Buffer.alloc(0);
const STAR = 42;
const OPEN = 123;
const CLOSE = 125;
/** Options of SORT and the number of their arguments; any other word is a mistake, or has none. */
const OPTION_ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ['LIMIT', 2],
  ['STORE', 1],
  ['BY', 1],
  ['GET', 1],
]);
const OPTION_BYTES_MAX = 5;

/**
 * Can the shard of the sorted key execute a SORT alone, as far as its patterns go? `shardOf` gives
 * the shard of a key in a block.
 */
export function sortsAlone(parser: RequestParser, shardOf: (key: Block) => number): boolean {
  let home = -1;
  for (let i = 2; i < parser.argc; i++) {
    const word = parser.length(i) > OPTION_BYTES_MAX ? '' : parser.text(i).toUpperCase();
    if ((word === 'BY' || word === 'GET') && i + 1 < parser.argc) {
      const tag = tagOf(bytesOf(parser, i + 1));
      if (tag === undefined) return false;
      if (home < 0) home = shardOf(new Block(bytesOf(parser, 1)));
      if (tag.length > 0 && shardOf(new Block(tag)) !== home) return false;
    }
    i += OPTION_ARGUMENTS.get(word) ?? 0;
  }
  return true;
}

function bytesOf(parser: RequestParser, i: number): Buffer {
  const from = parser.offset(i);
  return parser.block.bytes.subarray(from, from + parser.length(i));
}

/**
 * The hash tag, with its braces, that all keys have which a pattern names; empty when it names none,
 * undefined when the keys may be anywhere.
 */
function tagOf(pattern: Buffer): Buffer | undefined {
  const star = pattern.indexOf(STAR);
  if (star < 0) return NO_BYTES;
  const open = pattern.indexOf(OPEN);
  const close = pattern.indexOf(CLOSE, open + 1);
  // A brace behind the star may not be the first one: elements may have braces of their own.
  const isFixed = open >= 0 && close > open + 1 && close < star;
  return isFixed ? pattern.subarray(open, close + 1) : undefined;
}

/** Runs SORT or SORT_RO. */
export async function sortOverShards(command: Coordinated): Promise<ReplyFunction> {
  const home = command.owners[0];
  /** Key, field, whether there is a value, and the value, for each value fetched. */
  const given: (string | Buffer)[] = [];
  for (let round = 1; ; round++) {
    const mode = round < ROUNDS_MAX ? 'MORE' : 'FINAL';
    const count = String(given.length / 4);
    const words = ['', mode, count, ...given, ...command.words];
    const answer = await command.call(home, 'HASHLANE.SORT', words);
    if (isError(answer)) return (reply) => reply.raw(answer);
    const [isDone, list] = elementsOf(answer) as [Buffer, Buffer];
    if (integerOf(isDone) === 1) return finish(command, list);
    const failure = await fetch(command, elementsOf(list) as Buffer[], given);
    if (failure !== undefined) return (reply) => reply.raw(failure);
  }
}

/** Fetches values, given as key and field in turn; a shard's error if there is one. */
async function fetch(
  command: Coordinated,
  missing: readonly Buffer[],
  given: (string | Buffer)[],
): Promise<Buffer | undefined> {
  const byShard = new Map<number, Buffer[]>();
  for (let i = 0; i < missing.length; i += 2) {
    const key = bulkOf(missing[i]) as Buffer;
    const shard = command.gateway.placement.shardOfKey(key);
    const names = byShard.get(shard) ?? [];
    names.push(key, bulkOf(missing[i + 1]) as Buffer);
    byShard.set(shard, names);
  }
  const groups = [...byShard];
  const replies = await Promise.all(
    groups.map(([shard, names]) => command.call(shard, 'HASHLANE.FETCH', ['', ...names])),
  );
  const failure = replies.find(isError);
  if (failure !== undefined) return failure;
  groups.forEach(([, names], i) => {
    const values = elementsOf(replies[i]) as Buffer[];
    values.forEach((raw, j) => {
      const value = bulkOf(raw);
      const isThere = value === undefined ? '0' : '1';
      given.push(names[2 * j], names[2 * j + 1], isThere, value ?? NO_BYTES);
    });
  });
  return undefined;
}

/** Replies the result, or stores it. */
async function finish(command: Coordinated, list: Buffer): Promise<ReplyFunction> {
  const { isWritten, keys, owners, words } = command;
  const store = isWritten.indexOf(true);
  if (store < 0) return (reply) => reply.raw(list);
  const elements = (elementsOf(list) as Buffer[]).map((raw) => bulkOf(raw) ?? NO_BYTES);
  const stored = await command.call(owners[store], 'HASHLANE.STORELIST', [
    '',
    words[keys[store]],
    ...elements,
  ]);
  return (reply) => reply.raw(stored);
}
