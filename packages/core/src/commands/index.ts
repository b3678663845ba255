/** The command table of shards: all families, numbered by their place (the id in batches). */
import { bitmapCommands } from './bitmap.ts';
import { borrowCommands } from './borrow.ts';
import type { CommandSpec } from './command-spec.ts';
import { debugCommands } from './debug.ts';
import { dumpCommands } from './dump.ts';
import { expiryCommands } from './expiry.ts';
import { genericCommands } from './generic.ts';
import { listCommands } from './list.ts';
import { scanCommands } from './scan.ts';
import { stringCommands } from './string.ts';
import { transactionCommands } from './transaction.ts';
import { transferCommands } from './transfer.ts';

/** What clients ask for, and what carries single values. */
const SINGLE_SHARD: readonly CommandSpec[] = [
  ...stringCommands,
  ...bitmapCommands,
  ...listCommands,
  ...genericCommands,
  ...expiryCommands,
  ...scanCommands,
  ...debugCommands,
  ...dumpCommands,
  ...transferCommands,
  ...transactionCommands,
];

/** HASHLANE.BORROW runs the others by their number, so its row comes after all of theirs. */
export const COMMANDS: readonly CommandSpec[] = [...SINGLE_SHARD, ...borrowCommands(SINGLE_SHARD)];
