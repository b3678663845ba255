/**
 * What a row of the command table holds. A family file (string.ts, list.ts, …) ends with its rows;
 * everything that depends on a command (arity check, routing, COMMAND's replies, docs, the fuzz
 * grammar) is derived from its row, and there is no other list of commands.
 */
import type { CommandContext } from '../command-context.ts';

/** Command flags; the names in COMMAND's replies are in `FLAG_NAMES`. */
export const WRITE = 1 << 0;
export const READONLY = 1 << 1;
export const DENYOOM = 1 << 2;
export const ADMIN = 1 << 3;
export const PUBSUB = 1 << 4;
export const NOSCRIPT = 1 << 5;
export const BLOCKING = 1 << 6;
export const LOADING = 1 << 7;
export const STALE = 1 << 8;
export const SKIP_MONITOR = 1 << 9;
export const SKIP_SLOWLOG = 1 << 10;
export const ASKING = 1 << 11;
export const FAST = 1 << 12;
export const NO_AUTH = 1 << 13;
export const MAY_REPLICATE = 1 << 14;
export const NO_ASYNC_LOADING = 1 << 15;
export const NO_MULTI = 1 << 16;
export const MOVABLE_KEYS = 1 << 17;
export const ALLOW_BUSY = 1 << 18;
/** Not seen by clients: sent by coordinators to shards. */
export const INTERNAL = 1 << 19;
/** A number of keys may be 0. */
export const NO_MANDATORY_KEYS = 1 << 20;

/** Order and spelling of Redis 7's COMMAND reply, which is silent about MAY_REPLICATE. */
export const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [WRITE, 'write'],
  [READONLY, 'readonly'],
  [DENYOOM, 'denyoom'],
  [ADMIN, 'admin'],
  [PUBSUB, 'pubsub'],
  [NOSCRIPT, 'noscript'],
  [BLOCKING, 'blocking'],
  [LOADING, 'loading'],
  [STALE, 'stale'],
  [SKIP_MONITOR, 'skip_monitor'],
  [SKIP_SLOWLOG, 'skip_slowlog'],
  [ASKING, 'asking'],
  [FAST, 'fast'],
  [NO_AUTH, 'no_auth'],
  [NO_ASYNC_LOADING, 'no_async_loading'],
  [NO_MULTI, 'no_multi'],
  [NO_MANDATORY_KEYS, 'no_mandatory_keys'],
  [MOVABLE_KEYS, 'movablekeys'],
  [ALLOW_BUSY, 'allow_busy'],
];

/** Where the keys of a command are, and what it does to them. */
export interface KeyRange {
  /** Argument number of the first key (the command's name is 0). */
  readonly first: number;
  /** Argument number of the last key; negative counts from the end, −1 is the last argument. */
  readonly last: number;
  readonly step: number;
  /** Argument number that holds the number of keys (LMPOP 1, BLMPOP 2); keys follow it. */
  readonly countAt?: number;
  /** Upper-case option that the keys follow, looked for from argument `first` on; see below. */
  readonly keyword?: string;
  /** Keys are this part of the arguments: 2 for the first half, as XREAD's STREAMS. */
  readonly limit?: number;
  /** Options that take arguments, which are no keywords whatever they hold: SORT's BY and GET. */
  readonly skips?: { readonly [option: string]: number };
  /** Redis tells clients nothing of this range but that it is there: SORT. */
  readonly isUnknown?: boolean;
  /** What COMMAND INFO says of the range beside its flags. */
  readonly notes?: string;
  /** Key-spec flags as COMMAND INFO prints them, e.g. `RW access update`. */
  readonly access: string;
}

/** Access of what is routed as keys are in a cluster, and is none: the channels of SPUBLISH. */
export const NOT_KEY = 'not_key';

/** Shorthand for the common case: keys from `first` to `last`. */
export function keys(first: number, last: number, access: string, step = 1): readonly KeyRange[] {
  return [{ first, last, step, access }];
}

/** Keys counted by an argument, as in LMPOP. */
export function countedKeys(countAt: number, access: string): readonly KeyRange[] {
  return [{ first: 0, last: 0, step: 1, countAt, access }];
}

/** The key after an option, the last one if it comes twice: STORE of GEORADIUS. */
export function storeKey(
  keyword: string,
  from: number,
  access: string,
  skips: { readonly [option: string]: number } = {},
): KeyRange {
  return { first: from, last: 0, step: 1, keyword, access, skips };
}

/** The first half of what follows an option: STREAMS of XREAD and XREADGROUP. */
export function streamKeys(keyword: string, from: number, access: string): readonly KeyRange[] {
  return [{ first: from, last: -1, step: 1, keyword, limit: 2, access }];
}

/** True when the command only reads the keys of a range. */
export function isReadOnly(range: KeyRange): boolean {
  return range.access.startsWith('RO');
}

/**
 * How a command whose keys are on several shards is put together by the coordinator:
 *   sum        each shard gets its keys; integer replies are added (DEL, EXISTS, …)
 *   gather     each shard gets its keys; array replies are merged in the order of the keys (MGET)
 *   all-ok     each shard gets its key groups; one OK answers for all (MSET)
 *   absent-all like all-ok, when none of the keys exists (MSETNX)
 *   move       two keys: the value is read at the source's shard and applied at the target's
 *   first      the first key that yields something (LMPOP and the blocking pops)
 *   borrow     keys that are only read (access RO) and lie elsewhere are lent for the length of the
 *              command to the shard of the key it writes, or of most keys (SINTER, LCS, BITOP)
 *   sort       SORT: values of any keys are brought to the key's shard
 *   streams    XREAD, XREADGROUP: each key is read on its shard, the replies are joined
 *   script     a script, on the shard of its first key; it reaches the others from there
 *   every      goes to all shards; how replies are joined is the coordinator's (DBSIZE, KEYS, …)
 */
export type Spread =
  | 'sum'
  | 'gather'
  | 'all-ok'
  | 'absent-all'
  | 'move'
  | 'first'
  | 'borrow'
  | 'sort'
  | 'streams'
  | 'script'
  | 'every';

/** Types that a blocked command waits for; see waiters.ts. */
export type WaitType = 'list' | 'zset' | 'stream';

export interface CommandMetadata {
  /** Upper-case name; a subcommand's is `CONTAINER|NAME`. */
  readonly name: string;
  /** As in Redis: n means exactly n arguments with the name, −n at least n. */
  readonly arity: number;
  readonly flags: number;
  readonly keys?: readonly KeyRange[];
  readonly spread?: Spread;
  /** Redis's documentation group: generic, string, list, connection, server, … */
  readonly group: string;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /**
   * Arguments after the name, in the notation of Redis's documentation: `key`, `[NX | XX]`,
   * `<EX seconds | PX milliseconds>`, `element [element ...]`. Read by COMMAND DOCS and by the
   * differential fuzzer; `syntax.ts` parses it.
   */
  readonly syntax: string;
  /** ACL categories beyond those that follow from flags and group; `-@name` takes one away. */
  readonly categories?: string;
  /** Command tips as COMMAND INFO prints them. */
  readonly tips?: readonly string[];
  readonly waitsFor?: WaitType;
}

/** A command that shards execute. Handlers reply through the context and never throw. */
export interface CommandSpec extends CommandMetadata {
  readonly handler: (context: CommandContext) => void;
  /**
   * For blocking commands: whether the handler would reply now. Changes nothing. Without it a
   * command is ready as soon as one of its keys exists with the type it waits for.
   */
  readonly isReady?: (context: CommandContext) => boolean;
  /** A blocked command is run again also when its key has gone, or is of another type. */
  readonly noticesAbsence?: boolean;
  /**
   * When its one key is ready a waiter is not served but announced, with a late READY; until the
   * gateway says what became of it (Engine.resume, Engine.unblock) nobody else is served from the key.
   */
  readonly announces?: boolean;
}
