/**
 * The configuration parameters that shards need, as plain numbers. The gateway owns the
 * configuration and sends changes as (parameter name, value) pairs; `applySetting` is the one place
 * that maps a parameter's name to its field.
 */
export interface EngineSettings {
  /** Bytes that this shard may use; 0 for no limit (maxmemory divided by the shards). */
  maxMemory: number;
  maxMemoryPolicy: string;
  maxMemorySamples: number;
  lfuLogFactor: number;
  lfuDecayMinutes: number;
  /** Positive: entries per node; −1 … −5: 4, 8, 16, 32, 64 KB per node. */
  listMaxListpackSize: number;
  /** Up to so many entries, of up to so many bytes each, a value stays in its packed form. */
  hashMaxListpackEntries: number;
  hashMaxListpackValue: number;
  setMaxIntsetEntries: number;
  setMaxListpackEntries: number;
  setMaxListpackValue: number;
  zsetMaxListpackEntries: number;
  zsetMaxListpackValue: number;
  hllSparseMaxBytes: number;
  streamNodeMaxBytes: number;
  streamNodeMaxEntries: number;
  protoMaxBulkBytes: number;
  databases: number;
  /** A script that runs longer keeps others waiting no more: they are told (ms; 0 never). */
  busyReplyMs: number;
  /** 'declared': scripts may use the keys only that their callers name. */
  scriptKeys: 'any' | 'declared';
  /** Strings in snapshots and DUMP payloads may be compressed. */
  rdbCompression: boolean;
}

export function defaultEngineSettings(): EngineSettings {
  return {
    maxMemory: 0,
    maxMemoryPolicy: 'noeviction',
    maxMemorySamples: 5,
    lfuLogFactor: 10,
    lfuDecayMinutes: 1,
    listMaxListpackSize: -2,
    hashMaxListpackEntries: 512,
    hashMaxListpackValue: 64,
    setMaxIntsetEntries: 512,
    setMaxListpackEntries: 128,
    setMaxListpackValue: 64,
    zsetMaxListpackEntries: 128,
    zsetMaxListpackValue: 64,
    hllSparseMaxBytes: 3000,
    streamNodeMaxBytes: 4096,
    streamNodeMaxEntries: 100,
    protoMaxBulkBytes: 512 * 1024 * 1024,
    databases: 16,
    busyReplyMs: 5000,
    scriptKeys: 'any',
    rdbCompression: true,
  };
}

const FIELDS: { readonly [parameter: string]: keyof EngineSettings } = {
  maxmemory: 'maxMemory',
  'maxmemory-policy': 'maxMemoryPolicy',
  'maxmemory-samples': 'maxMemorySamples',
  'lfu-log-factor': 'lfuLogFactor',
  'lfu-decay-time': 'lfuDecayMinutes',
  'list-max-listpack-size': 'listMaxListpackSize',
  'hash-max-listpack-entries': 'hashMaxListpackEntries',
  'hash-max-listpack-value': 'hashMaxListpackValue',
  'set-max-intset-entries': 'setMaxIntsetEntries',
  'set-max-listpack-entries': 'setMaxListpackEntries',
  'set-max-listpack-value': 'setMaxListpackValue',
  'zset-max-listpack-entries': 'zsetMaxListpackEntries',
  'zset-max-listpack-value': 'zsetMaxListpackValue',
  'hll-sparse-max-bytes': 'hllSparseMaxBytes',
  'stream-node-max-bytes': 'streamNodeMaxBytes',
  'stream-node-max-entries': 'streamNodeMaxEntries',
  'proto-max-bulk-len': 'protoMaxBulkBytes',
  databases: 'databases',
  'busy-reply-threshold': 'busyReplyMs',
  'script-keys': 'scriptKeys',
  rdbcompression: 'rdbCompression',
};

export type SettingValue = string | number | boolean;

/** Sets one parameter; false when shards have no such parameter. */
export function applySetting(settings: EngineSettings, name: string, value: SettingValue): boolean {
  const field = FIELDS[name];
  if (field === undefined) return false;
  Object.assign(settings, { [field]: value });
  return true;
}
