/** Public surface of shard-worker: links to shards, and the group that owns them. */
export {
  applySetting,
  defaultEngineSettings,
  type EngineSettings,
  hashBytes,
  joinDigests,
  REQUEST_DENY_BLOCKING,
  REQUEST_GIVES_WAY,
  REQUEST_NO_TOUCH,
  REQUEST_RESP3,
  REQUEST_WAITS_ONLY,
} from '@hashlane/core';
export { ENGINE_NAME, scriptWrites } from '@hashlane/scripting';
export { busyError } from './busy-error.ts';
export type { ClaimTable } from './claim.ts';
export type { FunctionLibrary, RestorePolicy } from './function-store.ts';
export type { InProcessLink } from './in-process-link.ts';
export { SHARDS_MAX } from './limits.ts';
export { type BusyScript, NO_CLAIM, type ShardStatistics } from './messages.ts';
export { Router } from './routing.ts';
export { nextScanCursor, readScanCursor } from './scan-cursor.ts';
export { type LoadOptions, type SaveOptions, ShardGroup } from './shard-group.ts';
export { sleepBlocking } from './shard-host.ts';
export type { ReplyReceiver, RequestArguments, ShardLink } from './shard-link.ts';
export type { PublishedMessage } from './subscriber-counts.ts';
export type { Threads } from './threads.ts';
