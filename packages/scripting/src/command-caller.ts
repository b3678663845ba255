/**
 * redis.call: from Lua values to a command, and from its reply to a Lua value.
 *
 *   arguments ─▶ written to a block, spans beside them ─▶ handler ─▶ reply in the engine's writer
 *                                                     ◀─ decoded from there, and taken back
 *
 * Nothing is parsed on the way in: the command is found by the name the script has, and its handler
 * is called on the spans. The checks, their order and their texts are Redis's.
 *
 * Cost: a few calls into V8 for long texts, one Lua value for the reply; no buffer is allocated.
 */
import {
  Block,
  type CommandSpec,
  DENYOOM,
  type Engine,
  formatDouble17,
  MAY_REPLICATE,
  NOSCRIPT,
  REQUEST_DENY_BLOCKING,
  REQUEST_NO_TOUCH,
  REQUEST_RESP3,
  Request,
  WRITE,
} from '@hashlane/core';
import {
  ensureStack,
  type LiteralArgument,
  LuaError,
  type LuaTable,
  type LuaValue,
  meter,
} from '@hashlane/lua';
import { copyBytes, scriptCallErrors, writeDecimal } from '@hashlane/resp';
import { commandError, errorText, scriptError } from './error-table.ts';
import {
  ARGUMENT_BYTES,
  ARGUMENT_BYTES_KEPT,
  SHORT_ARGUMENT_BYTES,
  STEPS_PER_CALL,
} from './limits.ts';
import { ReplyDecoder } from './reply-decoder.ts';
import type { ScriptCommand, ScriptCommands } from './script-commands.ts';

const MINUS = 45;
/** Digits of a safe integer, and one to spare. */
const INTEGER_BYTES_MAX = 17;

/** Executes commands of the table for a script: here, or on the shard that has their keys. */
export interface CommandExecutor {
  /** Leaves the reply at the end of the engine's writer. Throws LuaError when it cannot. */
  execute(command: number, spec: CommandSpec, request: Request): void;
}

/** What a script may do, and has done. */
export class ScriptRun {
  isReadOnly = false;
  /** Memory was short when it began, and the script may not use more. */
  isShortOfMemory = false;
  /** Snapshots fail, and it may not begin to write. */
  isMisconfigured = false;
  /** It has called a command that writes. */
  isDirty = false;
}

const NOT_PREPARED = new Int32Array(0);
const NOTHING = Block.allocate(0);

/** A place in a script that calls a command, with the literals among its arguments ready to send. */
export class CommandSite {
  readonly command: ScriptCommand;
  readonly #texts: readonly (string | undefined)[];
  /** The literals, one behind the other. */
  literals = NOTHING;
  literalBytes = 0;
  /** Numbers of the arguments that are no literals. */
  places: readonly number[] = [];
  /** Of all arguments; those of `places` are written with each call. */
  spans = NOT_PREPARED;

  constructor(command: ScriptCommand, texts: readonly (string | undefined)[]) {
    this.command = command;
    this.#texts = texts;
  }

  /** Before the first call: most places of a large script are never come to. */
  prepare(): void {
    const texts = this.#texts;
    this.places = texts.flatMap((text, i) => (text === undefined ? [i] : []));
    // The name is no argument of the request.
    const literals = texts.map((text, i) => (i === 0 ? '' : (text ?? '')));
    this.spans = new Int32Array(2 * texts.length);
    let end = 0;
    literals.forEach((text, i) => {
      this.spans[2 * i] = end;
      this.spans[2 * i + 1] = text.length;
      end += text.length;
    });
    this.literalBytes = end;
    this.literals = Block.of(literals.join(''));
  }
}

export class CommandCaller {
  readonly run = new ScriptRun();
  /** The request of the commands; its database and protocol are the script's. */
  readonly request: Request;
  readonly #engine: Engine;
  readonly #commands: ScriptCommands;
  readonly #executor: CommandExecutor;
  readonly #decoder = new ReplyDecoder();
  readonly #written: () => void;
  #block = Block.allocate(ARGUMENT_BYTES);
  #spans = new Int32Array(64);
  #end = 0;

  /** `written` is called before a script's first write. */
  constructor(
    engine: Engine,
    commands: ScriptCommands,
    executor: CommandExecutor,
    written: () => void,
  ) {
    this.#engine = engine;
    this.#commands = commands;
    this.#executor = executor;
    this.#written = written;
    this.request = new Request(this.#block, this.#spans);
  }

  /** Before a script: as its client has it, and RESP2. */
  begin(database: number, connection: number, flags: number): void {
    const { request, run } = this;
    request.database = database;
    request.connection = connection;
    request.flags = (flags & REQUEST_NO_TOUCH) | REQUEST_DENY_BLOCKING;
    request.base = 0;
    request.origin = 0;
    run.isReadOnly = false;
    run.isShortOfMemory = false;
    run.isMisconfigured = false;
    run.isDirty = false;
  }

  /** Before a script that begins again; it has done nothing yet. */
  rewind(database: number): void {
    this.request.database = database;
    this.setProtocol(2);
  }

  /** After a script. */
  end(): void {
    if (this.#block.size > ARGUMENT_BYTES_KEPT) this.#block = Block.allocate(ARGUMENT_BYTES);
  }

  /** redis.setresp: the protocol in which commands reply to the script. */
  setProtocol(version: 2 | 3): void {
    const { request } = this;
    if (version === 3) request.flags |= REQUEST_RESP3;
    else request.flags &= ~REQUEST_RESP3;
  }

  get protocol(): 2 | 3 {
    return (this.request.flags & REQUEST_RESP3) !== 0 ? 3 : 2;
  }

  /** redis.call: throws what is an error. */
  call(args: readonly LuaValue[]): LuaValue {
    const value = this.#run(args, true);
    if (this.#isFailed) throw new LuaError(value);
    return value;
  }

  /** redis.call where nobody looks at the reply: it is read only when it is an error. */
  callForEffect(args: readonly LuaValue[]): undefined {
    const value = this.#run(args, false);
    if (this.#isFailed) throw new LuaError(value);
    return undefined;
  }

  /** redis.pcall: a table with `err` for what is an error. */
  pcall(args: readonly LuaValue[]): LuaValue {
    return this.#run(args, true);
  }

  /**
   * A place that calls a command with these literals; undefined when what it calls is not among them
   * or cannot be called so, and the general way says why.
   */
  siteOf(literals: readonly LiteralArgument[]): CommandSite | undefined {
    const command = typeof literals[0] === 'string' ? this.#find(literals) : undefined;
    if (command === undefined || command.subcommands !== undefined) return undefined;
    const hasSubcommand = command.spec.name.includes('|');
    if (hasSubcommand && literals[1] === undefined) return undefined;
    if (!fitsArity(command, literals.length)) return undefined;
    return new CommandSite(command, literals.map(textOfLiteral));
  }

  /** `call` from such a place, with the arguments that are no literals. */
  callAt(site: CommandSite, args: readonly LuaValue[]): LuaValue {
    const value = this.#runAt(site, args, true);
    if (this.#isFailed) throw new LuaError(value);
    return value;
  }

  callForEffectAt(site: CommandSite, args: readonly LuaValue[]): undefined {
    const value = this.#runAt(site, args, false);
    if (this.#isFailed) throw new LuaError(value);
    return undefined;
  }

  /** What the last call gave is an error. */
  #isFailed = false;

  #run(args: readonly LuaValue[], isRead: boolean): LuaValue {
    this.#begin();
    const unfit = this.#write(args);
    if (unfit !== undefined) return this.#unfit(unfit);
    const command = this.#find(args);
    if (command === undefined) return this.#refused(scriptCallErrors.unknownCommand);
    if (!fitsArity(command, args.length)) return this.#refused(scriptCallErrors.wrongArity);
    return this.#execute(command, isRead);
  }

  #runAt(site: CommandSite, args: readonly LuaValue[], isRead: boolean): LuaValue {
    this.#begin();
    if (!this.#writeAt(site, args)) return this.#unfit(scriptCallErrors.argumentTypes);
    return this.#execute(site.command, isRead);
  }

  #begin(): void {
    // Neither this nor a handler must be cut off in the middle by an overflow of the stack.
    ensureStack();
    meter.charge(STEPS_PER_CALL);
    this.#isFailed = false;
  }

  #unfit(reason: string): LuaTable {
    this.#isFailed = true;
    return scriptError(reason);
  }

  /** An error that no command replied: counted here. */
  #refused(reason: string): LuaTable {
    this.#isFailed = true;
    const text = errorText(reason);
    this.#engine.reply.countError(text);
    return commandError(text);
  }

  /** redis.acl_check_cmd: whether such a command exists; everything is allowed to everybody. */
  exists(args: readonly LuaValue[]): LuaTable | boolean {
    const refusal = this.#write(args);
    if (refusal !== undefined) return scriptError(refusal);
    const isKnown = this.#find(args) !== undefined;
    return isKnown || scriptError(scriptCallErrors.aclUnknownCommand);
  }

  /** The reason why the script may not call the command now, if any. */
  #refusalOf({ spec: { flags } }: ScriptCommand): string | undefined {
    if ((flags & NOSCRIPT) !== 0) return scriptCallErrors.notAllowed;
    const { run } = this;
    if (run.isReadOnly && (flags & (WRITE | MAY_REPLICATE)) !== 0) return scriptCallErrors.readOnly;
    if ((flags & WRITE) !== 0 && !run.isDirty) {
      if (run.isMisconfigured) return scriptCallErrors.misconfigured;
      if (run.isShortOfMemory && (flags & DENYOOM) !== 0) return scriptCallErrors.outOfMemory;
      run.isDirty = true;
      this.#written();
    }
    return undefined;
  }

  /** The command, or the subcommand, that the arguments name. */
  #find(args: readonly LuaValue[]): ScriptCommand | undefined {
    const command = this.#commands.find(String(args[0]));
    if (command?.subcommands === undefined || args.length < 2) return command;
    return command.subcommands.get(String(args[1]).toUpperCase());
  }

  #execute(command: ScriptCommand, isRead: boolean): LuaValue {
    const refusal = this.#refusalOf(command);
    if (refusal !== undefined) return this.#refused(refusal);
    const { reply } = this.#engine;
    const start = reply.position;
    const { number } = command;
    if (number >= 0) this.#executor.execute(number, command.full!, this.request);
    else this.#engine.executeNested(command.full!, this.request);
    this.#isFailed = reply.block.bytes[start] === MINUS;
    const value = isRead || this.#isFailed ? this.#decoder.decode(reply.block, start) : undefined;
    reply.position = start;
    return value;
  }

  /** Writes the arguments into the block, the first (the name) aside. */
  #write(args: readonly LuaValue[]): string | undefined {
    const argc = args.length;
    if (argc === 0) return scriptCallErrors.noArguments;
    if (this.#spans.length < 2 * argc) this.#spans = new Int32Array(4 * argc);
    const spans = this.#spans;
    this.#end = 0;
    for (let i = 0; i < argc; i++) {
      const start = this.#end;
      if (!this.#appendValue(args[i], i === 0)) return scriptCallErrors.argumentTypes;
      spans[2 * i] = start;
      spans[2 * i + 1] = this.#end - start;
    }
    this.#offer(spans, argc);
    return undefined;
  }

  /** The same for the arguments of a site that are no literals; false when one is unfit. */
  #writeAt(site: CommandSite, args: readonly LuaValue[]): boolean {
    if (site.spans === NOT_PREPARED) site.prepare();
    const { literalBytes, literals, places, spans } = site;
    if (literalBytes > this.#block.size) this.#grow(literalBytes);
    copyBytes(this.#block, 0, literals, 0, literalBytes);
    this.#end = literalBytes;
    for (let j = 0; j < places.length; j++) {
      const i = places[j]!;
      const start = this.#end;
      if (!this.#appendValue(args[j], false)) return false;
      spans[2 * i] = start;
      spans[2 * i + 1] = this.#end - start;
    }
    this.#offer(spans, spans.length >> 1);
    return true;
  }

  /** Makes what was written the request. */
  #offer(spans: Int32Array, argc: number): void {
    const { request } = this;
    request.block = this.#block;
    request.spans = spans;
    request.base = 0;
    request.argc = argc;
    request.hash = 0;
  }

  /** False when the value is no argument. The name of a command is only looked at. */
  #appendValue(value: LuaValue, isName: boolean): boolean {
    if (typeof value === 'string') {
      if (!isName) this.#append(value);
      return true;
    }
    if (typeof value !== 'number') return false;
    // The commonest numbers without making a string of them; -0 is none of these.
    if (value > 0 && Number.isSafeInteger(value)) this.#appendInteger(value);
    else this.#append(argumentOf(value));
    return true;
  }

  #append(text: string): void {
    const { length } = text;
    const end = this.#end + length;
    if (end > this.#block.size) this.#grow(end);
    if (length > SHORT_ARGUMENT_BYTES) {
      this.#block.bytes.latin1Write(text, this.#end);
    } else {
      const { bytes } = this.#block;
      let at = this.#end;
      for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    }
    this.#end = end;
  }

  #appendInteger(value: number): void {
    if (this.#end + INTEGER_BYTES_MAX > this.#block.size) this.#grow(this.#end + INTEGER_BYTES_MAX);
    this.#end = writeDecimal(this.#block.bytes, this.#end, value);
  }

  #grow(bytes: number): void {
    const grown = Block.allocate(2 * bytes);
    this.#block.bytes.copy(grown.bytes, 0, 0, this.#end);
    this.#block = grown;
  }
}

function fitsArity({ spec: { arity } }: ScriptCommand, argc: number): boolean {
  return arity > 0 ? argc === arity : argc >= -arity;
}

function textOfLiteral(literal: LiteralArgument): string | undefined {
  return typeof literal === 'number' ? argumentOf(literal) : literal;
}

/** A number as an argument: `%.17g`, as Redis has it. */
function argumentOf(value: number): string {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
  return Number.isNaN(value) ? '-nan' : formatDouble17(value);
}
