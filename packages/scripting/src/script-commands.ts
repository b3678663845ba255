/**
 * Commands by the names scripts call them by: those of the table, and the few of the gateway that
 * make sense in a shard (PING, ECHO, SELECT, TIME). Names are looked up as scripts spell them, and
 * what was found is remembered under that spelling.
 */
import { COMMANDS, type CommandSpec, INTERNAL, NOSCRIPT } from '@hashlane/core';
import { COMMAND_NAMES_MAX } from './limits.ts';

/** What must be known of a command before it is called. */
export interface CommandHead {
  readonly name: string;
  readonly arity: number;
  readonly flags: number;
}

export interface ScriptCommand {
  readonly spec: CommandHead;
  /** Number in the table of commands; −1 for what is none of the shards'. */
  readonly number: number;
  /** Undefined for what scripts may not call. */
  readonly full: CommandSpec | undefined;
  /** By upper-case name, for a container. */
  readonly subcommands: Map<string, ScriptCommand> | undefined;
}

const CONTAINER_ARITY = -2;

export class ScriptCommands {
  readonly #byName = new Map<string, ScriptCommand>();
  readonly #bySpelling = new Map<string, ScriptCommand>();

  /** `local` are executed here; `others` are known, and not for scripts. */
  constructor(local: readonly CommandSpec[], others: readonly CommandHead[]) {
    COMMANDS.forEach((spec, number) => {
      if ((spec.flags & INTERNAL) === 0) this.#add({ spec, number, full: spec });
    });
    for (const spec of local) this.#add({ spec, number: -1, full: spec });
    for (const spec of others) {
      if (this.#find(spec.name) !== undefined) continue;
      const refused = { ...spec, flags: spec.flags | NOSCRIPT };
      this.#add({ spec: refused, number: -1, full: undefined });
    }
  }

  #find(name: string): ScriptCommand | undefined {
    const bar = name.indexOf('|');
    if (bar < 0) return this.#byName.get(name);
    return this.#byName.get(name.slice(0, bar))?.subcommands?.get(name.slice(bar + 1));
  }

  #add(command: Omit<ScriptCommand, 'subcommands'>): void {
    const { name } = command.spec;
    const bar = name.indexOf('|');
    if (bar < 0) {
      this.#byName.set(name, { ...command, subcommands: undefined });
      return;
    }
    const container = this.#containerOf(name.slice(0, bar));
    container.set(name.slice(bar + 1), { ...command, subcommands: undefined });
  }

  #containerOf(name: string): Map<string, ScriptCommand> {
    const found = this.#byName.get(name)?.subcommands;
    if (found !== undefined) return found;
    const subcommands = new Map<string, ScriptCommand>();
    const spec = { name, arity: CONTAINER_ARITY, flags: 0 };
    this.#byName.set(name, { spec, number: -1, full: undefined, subcommands });
    return subcommands;
  }

  /** The command of a name in any case, or undefined; of a container, the container. */
  find(name: string): ScriptCommand | undefined {
    const known = this.#bySpelling.get(name);
    if (known !== undefined) return known;
    const command = this.#byName.get(name.toUpperCase());
    if (command !== undefined && this.#bySpelling.size < COMMAND_NAMES_MAX) {
      this.#bySpelling.set(name, command);
    }
    return command;
  }
}
