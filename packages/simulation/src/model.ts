/**
 * What the commands of the workload do, in the plainest way: the specification that the checker of
 * linearizability compares with. Strings and lists in one map, no types but these two.
 *
 * A command that would block is not executable where it would: `NOT_NOW`. The one that waits may
 * take effect at any later moment at which it can. A time-out says that there was a moment at which
 * there was nothing to take.
 */
import { ReplyError, type ReplyValue } from '@hashlane/harness/tools';

export type Value = string | readonly string[];
export type State = ReadonlyMap<string, Value>;
type Draft = Map<string, Value>;

/** The command would wait here. */
export const NOT_NOW = Symbol('not now');

const WRONG_TYPE = new ReplyError(
  'WRONGTYPE Operation against a key holding the wrong kind of value',
);
const NO_SUCH_KEY = new ReplyError('ERR no such key');
const SAME_OBJECT = new ReplyError('ERR source and destination objects are the same');
const NOT_INTEGER = new ReplyError('ERR value is not an integer or out of range');

/**
 * The database is part of a key's name here. A name without one is no key: the checker keeps notes
 * in a state.
 */
export function nameOf(database: number, key: string): string {
  return `${database}/${key}`;
}

type Arguments = readonly string[];
type Body = (draft: Draft, args: Arguments, database: number) => ReplyValue | typeof NOT_NOW;
type Side = 'LEFT' | 'RIGHT';

function listOf(draft: State, key: string): readonly string[] | undefined {
  const value = draft.get(key);
  if (typeof value === 'string') return undefined;
  return value ?? [];
}

function putList(draft: Draft, key: string, list: readonly string[]): void {
  if (list.length === 0) draft.delete(key);
  else draft.set(key, list);
}

function push(draft: Draft, key: string, side: Side, elements: Arguments): ReplyValue {
  const list = listOf(draft, key);
  if (list === undefined) return WRONG_TYPE;
  const pushed = side === 'LEFT' ? [...elements].reverse().concat(list) : [...list, ...elements];
  putList(draft, key, pushed);
  return pushed.length;
}

/** Takes up to `count` elements from one end. */
function take(draft: Draft, key: string, side: Side, count: number): readonly string[] {
  const list = listOf(draft, key) ?? [];
  if (side === 'LEFT') {
    putList(draft, key, list.slice(count));
    return list.slice(0, count);
  }
  const kept = Math.max(0, list.length - count);
  putList(draft, key, list.slice(0, kept));
  return list.slice(kept).reverse();
}

function pop(draft: Draft, key: string, side: Side): ReplyValue {
  if (listOf(draft, key) === undefined) return WRONG_TYPE;
  return take(draft, key, side, 1)[0] ?? null;
}

function move(draft: Draft, from: string, to: string, ends: readonly [Side, Side]): ReplyValue {
  const source = listOf(draft, from);
  if (source === undefined) return WRONG_TYPE;
  if (source.length === 0) return null;
  if (listOf(draft, to) === undefined) return WRONG_TYPE;
  const [element] = take(draft, from, ends[0], 1);
  push(draft, to, ends[1], [element as string]);
  return element as string;
}

function blocking(reply: ReplyValue): ReplyValue | typeof NOT_NOW {
  return reply === null ? NOT_NOW : reply;
}

/** BLPOP and BRPOP: the first key that has something. */
function popFirst(draft: Draft, keys: Arguments, side: Side): ReplyValue {
  for (const key of keys) {
    const list = listOf(draft, key);
    if (list === undefined) return WRONG_TYPE;
    if (list.length === 0) continue;
    const [element] = take(draft, key, side, 1);
    return [key.slice(key.indexOf('/') + 1), element as string];
  }
  return null;
}

/** LMPOP and BLMPOP, from the number of keys on. */
function popMany(draft: Draft, args: Arguments, database: number): ReplyValue {
  const count = Number(args[0]);
  const keys = args.slice(1, 1 + count).map((key) => nameOf(database, key));
  const side = args[1 + count] as Side;
  const wanted = args[2 + count] === 'COUNT' ? Number(args[3 + count]) : 1;
  for (const key of keys) {
    const list = listOf(draft, key);
    if (list === undefined) return WRONG_TYPE;
    if (list.length === 0) continue;
    return [key.slice(key.indexOf('/') + 1), take(draft, key, side, wanted)];
  }
  return null;
}

function swap(draft: Draft, a: string, b: string): ReplyValue {
  const entries = [...draft];
  draft.clear();
  for (const [name, value] of entries) {
    const slash = Math.max(0, name.indexOf('/'));
    const database = name.slice(0, slash);
    const other = database === a ? b : database === b ? a : database;
    draft.set(`${other}${name.slice(slash)}`, value);
  }
  return 'OK';
}

function flush(draft: Draft, prefix: string): ReplyValue {
  for (const name of [...draft.keys()]) {
    if (name.includes('/') && name.startsWith(prefix)) draft.delete(name);
  }
  return 'OK';
}

function rename(draft: Draft, from: string, to: string, onlyIfAbsent: boolean): ReplyValue {
  const value = draft.get(from);
  if (value === undefined) return NO_SUCH_KEY;
  if (onlyIfAbsent && draft.has(to)) return 0;
  draft.delete(from);
  draft.set(to, value);
  return onlyIfAbsent ? 1 : 'OK';
}

function setPairs(draft: Draft, args: Arguments, database: number): void {
  for (let i = 0; i < args.length; i += 2) {
    draft.set(nameOf(database, args[i] as string), args[i + 1] as string);
  }
}

const key0: (args: Arguments, database: number) => string = (args, database) =>
  nameOf(database, args[0] as string);
const key1: (args: Arguments, database: number) => string = (args, database) =>
  nameOf(database, args[1] as string);
const named = (keys: Arguments, database: number): string[] =>
  keys.map((key) => nameOf(database, key));

const BODIES: { readonly [name: string]: Body } = {
  GET: (draft, args, db) => {
    const value = draft.get(key0(args, db)) ?? null;
    return typeof value === 'string' || value === null ? value : WRONG_TYPE;
  },
  SET: (draft, args, db) => {
    draft.set(key0(args, db), args[1] as string);
    return 'OK';
  },
  INCR: (draft, args, db) => {
    const value = draft.get(key0(args, db)) ?? '0';
    if (typeof value !== 'string') return WRONG_TYPE;
    if (!/^-?\d+$/.test(value)) return NOT_INTEGER;
    draft.set(key0(args, db), String(Number(value) + 1));
    return Number(value) + 1;
  },
  MSET: (draft, args, db) => {
    setPairs(draft, args, db);
    return 'OK';
  },
  MSETNX: (draft, args, db) => {
    const isTaken = args.some((key, i) => i % 2 === 0 && draft.has(nameOf(db, key)));
    if (!isTaken) setPairs(draft, args, db);
    return isTaken ? 0 : 1;
  },
  MGET: (draft, args, db) =>
    named(args, db).map((key) => {
      const value = draft.get(key);
      return typeof value === 'string' ? value : null;
    }),
  DEL: (draft, args, db) => named(args, db).filter((key) => draft.delete(key)).length,
  EXISTS: (draft, args, db) => named(args, db).filter((key) => draft.has(key)).length,
  RENAME: (draft, args, db) => rename(draft, key0(args, db), key1(args, db), false),
  RENAMENX: (draft, args, db) => rename(draft, key0(args, db), key1(args, db), true),
  COPY: (draft, args, db) => {
    const value = draft.get(key0(args, db));
    if (args[0] === args[1]) return SAME_OBJECT;
    if (value === undefined || (draft.has(key1(args, db)) && args[2] !== 'REPLACE')) return 0;
    draft.set(key1(args, db), value);
    return 1;
  },
  LPUSH: (draft, args, db) => push(draft, key0(args, db), 'LEFT', args.slice(1)),
  RPUSH: (draft, args, db) => push(draft, key0(args, db), 'RIGHT', args.slice(1)),
  LPOP: (draft, args, db) => pop(draft, key0(args, db), 'LEFT'),
  RPOP: (draft, args, db) => pop(draft, key0(args, db), 'RIGHT'),
  LLEN: (draft, args, db) => listOf(draft, key0(args, db))?.length ?? WRONG_TYPE,
  LRANGE: (draft, args, db) => listOf(draft, key0(args, db)) ?? WRONG_TYPE,
  LMOVE: (draft, args, db) =>
    move(draft, key0(args, db), key1(args, db), [args[2] as Side, args[3] as Side]),
  RPOPLPUSH: (draft, args, db) => move(draft, key0(args, db), key1(args, db), ['RIGHT', 'LEFT']),
  LMPOP: (draft, args, db) => popMany(draft, args, db),
  BLPOP: (draft, args, db) => blocking(popFirst(draft, named(args.slice(0, -1), db), 'LEFT')),
  BRPOP: (draft, args, db) => blocking(popFirst(draft, named(args.slice(0, -1), db), 'RIGHT')),
  BLMOVE: (draft, args, db) =>
    blocking(move(draft, key0(args, db), key1(args, db), [args[2] as Side, args[3] as Side])),
  BLMPOP: (draft, args, db) => blocking(popMany(draft, args.slice(1), db)),
  SWAPDB: (draft, args) => swap(draft, args[0] as string, args[1] as string),
  FLUSHALL: (draft) => flush(draft, ''),
  FLUSHDB: (draft, _args, db) => flush(draft, `${db}/`),
};

/** Commands that may wait. */
export const BLOCKING: ReadonlySet<string> = new Set(['BLPOP', 'BRPOP', 'BLMOVE', 'BLMPOP']);

/** Executes one command. The state is not changed; the next one comes back. */
export function execute(
  state: State,
  words: readonly string[],
  database: number,
): { readonly state: State; readonly reply: ReplyValue | typeof NOT_NOW } {
  const body = BODIES[words[0] as string];
  if (body === undefined) throw new Error(`the model does not know ${words[0]}`);
  const draft = new Map(state);
  const reply = body(draft, words.slice(1), database);
  return { state: draft, reply };
}

/** Whether the model knows the command, which it must to judge it. */
export function isModelled(name: string): boolean {
  return name in BODIES;
}

/** The keys that a command of the model touches; undefined for all of them. */
export function keysOf(words: readonly string[], database: number): readonly string[] | undefined {
  const args = words.slice(1);
  switch (words[0]) {
    case 'MSET':
    case 'MSETNX':
      return named(
        args.filter((_, i) => i % 2 === 0),
        database,
      );
    case 'MGET':
    case 'DEL':
    case 'EXISTS':
      return named(args, database);
    case 'RENAME':
    case 'RENAMENX':
    case 'COPY':
    case 'LMOVE':
    case 'RPOPLPUSH':
    case 'BLMOVE':
      return named(args.slice(0, 2), database);
    case 'BLPOP':
    case 'BRPOP':
      return named(args.slice(0, -1), database);
    case 'LMPOP':
      return named(args.slice(1, 1 + Number(args[0])), database);
    case 'BLMPOP':
      return named(args.slice(2, 2 + Number(args[1])), database);
    case 'SWAPDB':
    case 'FLUSHALL':
    case 'FLUSHDB':
      return undefined;
    default:
      return named(args.slice(0, 1), database);
  }
}

export function equalReplies(a: ReplyValue | undefined, b: ReplyValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, i) => equalReplies(each, b[i] as ReplyValue));
  }
  if (a instanceof ReplyError && b instanceof ReplyError) return a.message === b.message;
  return a === b;
}
