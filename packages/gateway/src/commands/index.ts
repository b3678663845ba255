/** All commands that the gateway answers itself, by family. */
import type { ServerCommandSpec } from '../server-command.ts';
import { administrationCommands } from './administration.ts';
import { clientCommands } from './client.ts';
import { commandCommands } from './command.ts';
import { configCommands } from './config.ts';
import { connectionCommands } from './connection.ts';
import { debugCommands } from './debug.ts';
import { functionCommands } from './functions.ts';
import { infoCommands } from './info.ts';
import { memoryCommands } from './memory.ts';
import { pubsubCommands } from './pubsub.ts';
import { scriptingCommands } from './scripting.ts';
import { transactionCommands } from './transaction.ts';

export const serverCommands: readonly ServerCommandSpec[] = [
  ...connectionCommands,
  ...transactionCommands,
  ...administrationCommands,
  ...debugCommands,
  ...clientCommands,
  ...commandCommands,
  ...infoCommands,
  ...memoryCommands,
  ...pubsubCommands,
  ...scriptingCommands,
  ...functionCommands,
  ...configCommands,
];
