/** The command table of shards: all families, numbered by their place (the id in batches). */
import { bitmapCommands } from './bitmap.ts';
import { borrowCommands } from './borrow.ts';
import type { CommandSpec } from './command-spec.ts';
import { debugCommands } from './debug.ts';
import { dumpCommands } from './dump.ts';
import { expiryCommands } from './expiry.ts';
import { genericCommands } from './generic.ts';
import { geoCommands } from './geo.ts';
import { geoSearchCommands } from './geo-search.ts';
import { hashCommands } from './hash.ts';
import { hashExpiryCommands } from './hash-expiry.ts';
import { hashScanCommands } from './hash-scan.ts';
import { hyperLogLogCommands } from './hyperloglog.ts';
import { listCommands } from './list.ts';
import { listPopCommands } from './list-pop.ts';
import { memoryCommands } from './memory.ts';
import { scanCommands } from './scan.ts';
import { scriptingCommands } from './scripting.ts';
import { setCommands } from './set.ts';
import { setOperationCommands } from './set-operations.ts';
import { sortCommands } from './sort.ts';
import { sortedSetCommands } from './sorted-set.ts';
import { sortedSetAlgebraCommands } from './sorted-set-algebra.ts';
import { sortedSetPopCommands } from './sorted-set-pop.ts';
import { sortedSetRangeCommands } from './sorted-set-range.ts';
import { streamCommands } from './stream.ts';
import { streamClaimCommands } from './stream-claim.ts';
import { streamGroupCommands } from './stream-group.ts';
import { streamInfoCommands } from './stream-info.ts';
import { streamReadCommands } from './stream-read.ts';
import { stringCommands } from './string.ts';
import { stringCounterCommands } from './string-counter.ts';
import { stringLcsCommands } from './string-lcs.ts';
import { transactionCommands } from './transaction.ts';
import { transferCommands } from './transfer.ts';

/** What clients ask for, and what carries single values. */
const SINGLE_SHARD: readonly CommandSpec[] = [
  ...stringCommands,
  ...stringCounterCommands,
  ...stringLcsCommands,
  ...bitmapCommands,
  ...hyperLogLogCommands,
  ...listCommands,
  ...listPopCommands,
  ...hashCommands,
  ...hashScanCommands,
  ...hashExpiryCommands,
  ...setCommands,
  ...setOperationCommands,
  ...sortedSetCommands,
  ...sortedSetRangeCommands,
  ...sortedSetPopCommands,
  ...sortedSetAlgebraCommands,
  ...geoCommands,
  ...geoSearchCommands,
  ...streamCommands,
  ...streamReadCommands,
  ...streamGroupCommands,
  ...streamClaimCommands,
  ...streamInfoCommands,
  ...genericCommands,
  ...expiryCommands,
  ...scanCommands,
  ...debugCommands,
  ...dumpCommands,
  ...memoryCommands,
  ...sortCommands,
  ...transferCommands,
  ...transactionCommands,
  ...scriptingCommands,
];

/** HASHLANE.BORROW runs the others by their number, so its row comes after all of theirs. */
export const COMMANDS: readonly CommandSpec[] = [...SINGLE_SHARD, ...borrowCommands(SINGLE_SHARD)];

const NUMBERS: ReadonlyMap<string, number> = new Map(
  COMMANDS.map(({ name }, number) => [name, number]),
);

/** The number of a command in the table, by its name in capitals; throws when there is none. */
export function commandNumber(name: string): number {
  const number = NUMBERS.get(name);
  if (number === undefined) throw new Error(`no command ${name}`);
  return number;
}
