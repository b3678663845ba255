/** Public surface of core for the packages that may import it (rdb, shard-worker, harness). */
/** What core's methods take and give; rdb has it from here, as it imports nothing but core. */
export { Block } from '@hashlane/resp';
export { Arena, offsetOf, pageOf } from './arena.ts';
export { CommandContext } from './command-context.ts';
export * from './commands/command-spec.ts';
export { COMMANDS, commandNumber } from './commands/index.ts';
export { joinDigests } from './dataset-digest.ts';
export { Engine, type EngineSink } from './engine.ts';
export {
  applySetting,
  defaultEngineSettings,
  type EngineSettings,
  type SettingValue,
} from './engine-settings.ts';
export * from './entry.ts';
export { EntryCounter } from './entry-counter.ts';
export { matchesGlob } from './glob.ts';
export { hashBytes, seedHash, shardOfHash } from './hash.ts';
export { isSoundPackedHash } from './hash-check.ts';
export { HASH_BYTES, HASH_PACKED, HASH_VOLATILE, HASH_WIDE, HashValue } from './hash-value.ts';
export { KeyFinder } from './key-positions.ts';
export { Keyspace } from './keyspace.ts';
export { LIST_BYTES, ListValue } from './list-value.ts';
export * from './number-text.ts';
export { packedScore } from './packed-score.ts';
export { REDIS_VERSION } from './redis-version.ts';
export * from './request.ts';
export type { ScriptHost } from './script-host.ts';
export { Member } from './set-member.ts';
export { SET_BYTES, SetValue } from './set-value.ts';
export { StreamConsumer, StreamGroup } from './stream-group.ts';
export { compareIds, StreamId } from './stream-id.ts';
export { isNodeSound, NODE_TAIL_BYTES } from './stream-node.ts';
export { makeGroup, NODE_REFERENCE, STREAM_BYTES, StreamValue } from './stream-value.ts';
export { insertString, NO_DEADLINE, StringSpan, stringEncoding } from './string-value.ts';
export type { ValueCodec } from './value-codec.ts';
export { type Claim, copyRequest } from './waiters.ts';
export { ALWAYS_LARGE, ZSET_BYTES, ZsetValue } from './zset-value.ts';
