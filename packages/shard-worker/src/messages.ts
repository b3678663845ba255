/**
 * Everything that crosses threads, in one file.
 *
 * Requests and replies travel as bare ArrayBuffers, transferred, never copied by the port:
 *
 *   requests   words: [count, 0] then per request
 *                     [command | flags << 16, argc, hash, connection, database, claim,
 *                      (offset, length) of arguments 1 … argc − 1]
 *              data:  from BATCH_DATA_AT, the argument bytes with their RESP framing, as they came
 *   replies    words: [count, late count] then per request, in order, (start, end) of its reply,
 *                     (−1, −1) when it blocked; then per late reply (connection, start, end)
 *              data:  from BATCH_DATA_AT, RESP replies ready for the socket
 *
 * The buffer of a batch of requests becomes the buffer of a later batch of replies and goes back,
 * so in steady state no memory is allocated. A request too large for a batch is a LargeRequest: its
 * words and its bytes in two buffers, which shards may keep (values are taken over, not copied).
 *
 * Everything else is a control message: an object with an `id` that its answer repeats. Ports are
 * FIFO, so a control message sees the effects of all requests posted before it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { EngineSettings, SettingValue } from '@hashlane/core';
import type { FunctionDescription, LogLevel, RunningFunction } from '@hashlane/scripting';
import type { LearnedScript } from './script-store.ts';
import type { DoorPorts, OtherCommand } from './shard-scripts.ts';
import type { PublishedMessage } from './subscriber-counts.ts';

/** Layout of the words of a request in a batch. */
export const REQUEST_HEADER_WORDS = 6;
/** In place of a claim's number: the request has none. */
export const NO_CLAIM = -1;
export const BATCH_COUNT = 0;
export const BATCH_LATE_COUNT = 1;
export const BATCH_FIRST_WORD = 2;

/** A request that has a message to itself. */
export interface LargeRequest {
  readonly type: 'large';
  /** Laid out like a batch of one request; spans point into `bytes`. */
  readonly words: ArrayBuffer;
  readonly bytes: ArrayBuffer;
}

/** Late replies that found no room in a batch. */
export interface LateReplies {
  readonly type: 'late';
  readonly entries: readonly { connection: number; reply: Uint8Array<ArrayBuffer> }[];
}

/** Replies to the first requests of a batch, ahead of a script in it that takes long. */
export interface EarlyReplies {
  readonly type: 'early';
  /** As those of a batch of so many requests. */
  readonly replies: ArrayBuffer;
}

/** What a shard is asked beside commands. Answers are in `ControlAnswers` under the same name. */
export type ControlRequest =
  | { readonly type: 'statistics' }
  | { readonly type: 'reset-statistics' }
  | { readonly type: 'settings'; readonly values: readonly (readonly [string, SettingValue])[] }
  | {
      readonly type: 'unblock';
      readonly connection: number;
      readonly answer: 'timeout' | 'error' | 'none';
    }
  | { readonly type: 'unblock-all' }
  | { readonly type: 'snapshot-begin'; readonly port: MessagePort }
  | { readonly type: 'snapshot-abandon' }
  | { readonly type: 'load'; readonly port: MessagePort }
  /** Another shard has learned a script. */
  | { readonly type: 'script-add'; readonly digest: string; readonly source: string }
  | { readonly type: 'script-drop'; readonly digest: string }
  | { readonly type: 'script-flush'; readonly epoch: number }
  /** Load libraries of functions, and forget them; `needsRoom`: only when memory is not short. */
  | {
      readonly type: 'functions-try';
      readonly sources: readonly string[];
      readonly needsRoom: boolean;
    }
  /** Libraries that go, and those that come after that. */
  | {
      readonly type: 'functions-change';
      readonly removed: readonly string[];
      readonly added: readonly (readonly [name: string, source: string])[];
    }
  /** How many are subscribed to channels and patterns; see subscriber-counts.ts. */
  | {
      readonly type: 'subscribers';
      readonly counts: readonly (readonly [mark: string, count: number])[];
      readonly isAll: boolean;
    }
  | { readonly type: 'active-expire'; readonly enabled: boolean }
  | { readonly type: 'sleep'; readonly milliseconds: number }
  | { readonly type: 'crash'; readonly reason: string }
  | { readonly type: 'stop' };

export interface ControlAnswers {
  statistics: ShardStatistics;
  'reset-statistics': true;
  settings: true;
  /** True when the connection was waiting here. */
  unblock: boolean;
  /** How many waiters were answered with UNBLOCKED. */
  'unblock-all': number;
  /** [database, keys, keys with a deadline] as of the mark. */
  'snapshot-begin': readonly (readonly [number, number, number])[];
  'snapshot-abandon': true;
  /** Keys loaded; an error text when a record could not be decoded. */
  load: { readonly keys: number; readonly error: string | undefined };
  'script-add': true;
  'script-drop': true;
  'script-flush': true;
  /** Per library its functions, or an error reply. Memory is short: nothing was tried. */
  'functions-try': {
    readonly isShortOfMemory: boolean;
    readonly results: readonly (readonly FunctionDescription[] | string)[];
  };
  'functions-change': true;
  subscribers: true;
  'active-expire': true;
  sleep: true;
  crash: never;
  stop: true;
}

export interface ControlMessage {
  readonly type: 'control';
  readonly id: number;
  readonly request: ControlRequest;
}

export interface ControlAnswer {
  readonly type: 'answer';
  readonly id: number;
  readonly answer: unknown;
}

export type MessageToShard = ArrayBuffer | LargeRequest | ControlMessage;
/** What a shard tells of its scripts, ahead of the replies of the batch it happened in. */
export type ScriptNews =
  | { readonly type: 'script'; readonly script: LearnedScript }
  | { readonly type: 'script-used'; readonly digest: string }
  | { readonly type: 'script-busy'; readonly script: BusyScript | undefined }
  /** What a script has published, when it has ended. */
  | { readonly type: 'publish'; readonly messages: readonly PublishedMessage[] }
  | { readonly type: 'script-log'; readonly level: LogLevel; readonly text: string };

/** A script that takes long. */
export interface BusyScript {
  /** Undefined for a script that is no function. */
  readonly function: RunningFunction | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Other shards that stand still for it. */
  readonly holds: readonly number[];
}

export type MessageFromShard =
  | ArrayBuffer
  | EarlyReplies
  | LateReplies
  | ControlAnswer
  | ScriptNews;

/** What a shard's thread is started with. */
export interface ShardTask {
  readonly index: number;
  readonly shards: number;
  readonly seed: number;
  readonly settings: EngineSettings;
  readonly claims: SharedArrayBuffer;
  /** The words of a ScriptBoard. */
  readonly scriptBoard: SharedArrayBuffer;
  readonly scripts: readonly (readonly [digest: string, source: string])[];
  readonly scriptEpoch: number;
  readonly libraries: readonly (readonly [name: string, source: string])[];
  /** The words of a DoorBoard, and ports to the other shards; none where shards cannot wait. */
  readonly doorBoard: SharedArrayBuffer;
  readonly doors: DoorPorts;
  readonly routes: readonly string[];
  readonly otherCommands: readonly OtherCommand[];
  readonly port: MessagePort;
}

/** Counters of one shard; the gateway sums them. */
export interface ShardStatistics {
  readonly databases: readonly {
    readonly index: number;
    readonly keys: number;
    readonly expires: number;
    /** Mean time to live of the sampled keys, in ms. */
    readonly averageTtl: number;
    /** Tables of keys and of deadlines. */
    readonly keyTableBytes: number;
    readonly expiryTableBytes: number;
  }[];
  readonly usedMemory: number;
  readonly heldMemory: number;
  readonly dirty: number;
  readonly commandsProcessed: number;
  /** Commands of scripts on keys of other shards. */
  readonly scriptForeignKeys: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly expiredKeys: number;
  /** Fields of hashes. */
  readonly expiredParts: number;
  readonly evictedKeys: number;
  readonly blockedClients: number;
  readonly lazyFreePending: number;
  readonly lazyFreed: number;
  readonly snapshotKeysSaved: number;
  /** Per command number: calls, microseconds, failed calls. */
  readonly commands: readonly (readonly [number, number, number, number])[];
  /** Error replies by code; of a shard in the gateway's thread, those of the gateway too. */
  readonly errors: readonly (readonly [code: string, count: number])[];
  /** Characters of JavaScript that scripts and libraries of functions became. */
  readonly scriptCodeLength: number;
  readonly functionCodeLength: number;
  /** Thread's V8 heap in use, bytes. */
  readonly heapBytes: number;
}

/** A chunk of a snapshot on its way from a shard to the writer; `undefined` records: the end. */
export interface SnapshotChunk {
  readonly shard: number;
  readonly database: number;
  readonly records: Uint8Array<ArrayBuffer> | undefined;
  /** Set on the last message when the shard gave up. */
  readonly abandoned?: boolean;
}

/** The writer tells a shard how many bytes it has taken, so that the walk can go on. */
export interface SnapshotCredit {
  readonly taken: number;
}

/** Records for one shard on their way from the loader; see load-stream.ts for the layout. */
export interface LoadChunk {
  readonly records: ArrayBuffer;
  readonly count: number;
}
