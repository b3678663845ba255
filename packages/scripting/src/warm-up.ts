/**
 * Warms what runs scripts: the compiler, redis.call, and the commands that job queues use, on an
 * engine of its own that is thrown away. No count, key or clock of the server's engine changes.
 */
import { Engine, type ValueCodec } from '@hashlane/core';
import { warmUp } from '@hashlane/lua';
import { CommandCaller } from './command-caller.ts';
import { redisLibrary } from './redis-library.ts';
import { ScriptCommands } from './script-commands.ts';

/** Each turn is a step of a few milliseconds. */
export function* warmUpScripts(codec: ValueCodec): Generator<undefined, void, undefined> {
  const engine = new Engine({ sink: { late: () => {} }, codec, seed: 0 });
  const caller = new CommandCaller(
    engine,
    new ScriptCommands([], []),
    { execute: (_command, spec, request) => engine.executeNested(spec, request) },
    () => {},
  );
  caller.begin(0, 0, 0);
  yield* warmUp(redisLibrary(caller, () => {}));
}
