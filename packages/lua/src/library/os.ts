/** `os`, of which scripts have the clock only, as from Redis 7.4 on. */
import { LuaTable } from '../table.ts';
import type { LuaResult } from '../values.ts';

const MICROSECONDS_PER_SECOND = 1e6;

/** Seconds of processor time that this process has used. */
function clock(): LuaResult {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS_PER_SECOND;
}

/** A new table `os`. */
export function osLibrary(): LuaTable {
  return LuaTable.of([['clock', clock]]);
}
