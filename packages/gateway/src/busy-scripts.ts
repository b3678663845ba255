/**
 * Scripts and functions that take longer than busy-reply-threshold: what is replied meanwhile, and
 * how they are ended. Shards may be busy with several of them at once, where Redis has one.
 */
import { errors } from '@hashlane/resp';
import { type BusyScript, busyError, type ShardGroup } from '@hashlane/shard-worker';

type Kind = 'script' | 'function';
type BusyShards = ReadonlyMap<number, BusyScript>;

function kindOf(script: BusyScript): Kind {
  return script.function === undefined ? 'script' : 'function';
}

/** The function that has taken longest, if one is busy. */
export function busyFunction(shards: BusyShards): BusyScript | undefined {
  return [...shards.values()]
    .filter((script) => kindOf(script) === 'function')
    .sort((a, b) => a.startedAtMs - b.startedAtMs)[0];
}

/** SCRIPT KILL or FUNCTION KILL: ends what has not written; else the error to reply. */
export function killScripts({ board, busyScripts }: ShardGroup, kind: Kind): string | undefined {
  if (busyScripts.size === 0) return errors.scriptNotBusy;
  const unwritten = [...busyScripts].filter(([shard]) => !board.hasWritten(shard));
  const killable = unwritten.filter(([, script]) => kindOf(script) === kind);
  for (const [shard] of killable) board.kill(shard);
  if (killable.length > 0) return undefined;
  return unwritten.length === 0 ? errors.scriptUnkillable : busyError(new Map(unwritten).values());
}
