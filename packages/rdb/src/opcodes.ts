/**
 * The bytes that begin an item of an RDB file: a value type (followed by a key and a value) or an
 * opcode (followed by operands).
 *
 * Source: rdb.h of Redis 7.4, of which RDB version 12 is the newest; every older version uses a
 * subset. What follows each byte is in value-layout.ts.
 */

/** Oldest and newest file versions that the scanner reads. */
export const RDB_VERSION_MIN = 1;
export const RDB_VERSION_MAX = 12;

/** What redis-server 7.0 writes; the version of our own files unless the data needs a newer one. */
export const RDB_VERSION_DEFAULT = 10;

/** From this version on a file ends with a CRC-64. */
export const RDB_VERSION_CHECKSUM = 5;

export const ValueType = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  zset2: 5,
  modulePreGa: 6,
  module2: 7,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  streamListpacks: 15,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  streamListpacks2: 19,
  setListpack: 20,
  streamListpacks3: 21,
  hashMetadataPreGa: 22,
  hashListpackExPreGa: 23,
  hashMetadata: 24,
  hashListpackEx: 25,
} as const;

export type ValueType = (typeof ValueType)[keyof typeof ValueType];

export const Opcode = {
  slotInfo: 244,
  function2: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  freq: 249,
  aux: 250,
  resizeDb: 251,
  expireTimeMs: 252,
  expireTime: 253,
  selectDb: 254,
  eof: 255,
} as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];
