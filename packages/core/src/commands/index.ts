/** The command table of shards: all families, numbered by their place (the id in batches). */
import type { CommandSpec } from './command-spec.ts';
import { debugCommands } from './debug.ts';
import { expiryCommands } from './expiry.ts';
import { genericCommands } from './generic.ts';
import { listCommands } from './list.ts';
import { scanCommands } from './scan.ts';
import { stringCommands } from './string.ts';
import { transferCommands } from './transfer.ts';

export const COMMANDS: readonly CommandSpec[] = [
  ...stringCommands,
  ...listCommands,
  ...genericCommands,
  ...expiryCommands,
  ...scanCommands,
  ...debugCommands,
  ...transferCommands,
];
