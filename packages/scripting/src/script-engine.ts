/**
 * The scripts of one shard: EVAL and its relatives.
 *
 * A script is compiled once, to a JavaScript function, and found again by its digest or its text
 * without making a string of either. It runs to its end on the shard's thread; `ScriptWatch` is how
 * others see that it runs, and how they end it.
 *
 *   source ─▶ SHA1 ─▶ compiled when first run ─▶ run(KEYS, ARGV) ─▶ reply
 *
 * What is learned from an EVAL is announced (`learned`), so that EVALSHA works on every shard.
 * Not known here: other shards (see `CommandExecutor`), threads, clocks.
 */
import { createHash } from 'node:crypto';
import {
  Block,
  type CommandContext,
  type Engine,
  parseInteger,
  type Request,
  type ScriptHost,
} from '@hashlane/core';
import {
  type CompiledScript,
  createRuntime,
  first,
  LuaError,
  type LuaResult,
  type LuaRuntime,
  LuaSyntaxError,
  type LuaValue,
  positionOf,
  ScriptInterrupt,
  standardLibraries,
} from '@hashlane/lua';
import { equalBytes, errors, functionErrors, scriptSyntax } from '@hashlane/resp';
import { CommandCaller, type CommandExecutor } from './command-caller.ts';
import { textOf } from './error-table.ts';
import { FunctionLibraries } from './function-libraries.ts';
import { KnownNames } from './known-names.ts';
import { LEARNED_PER_REPORT, RECENT_SCRIPTS } from './limits.ts';
import { localCommands } from './local-commands.ts';
import { type LogLevel, redisLibrary } from './redis-library.ts';
import { textAt } from './reply-decoder.ts';
import { encodeReply } from './reply-encoder.ts';
import { type CommandHead, ScriptCommands } from './script-commands.ts';
import { readHeader, type ScriptFlag } from './shebang.ts';

/** Thrown by `check`: a script that has done nothing yet shall begin again. */
export class ScriptRestart extends ScriptInterrupt {}

/** How the rest of the server watches a running script. */
export interface ScriptWatch {
  /** A script begins, with these keys, which are arguments of the request from `FIRST_KEY` on. */
  begin(name: string, request: Request, keys: readonly string[]): void;
  /** Are writes of scripts to be refused, because snapshots fail? */
  readonly stopsWrites: boolean;
  /** The script is about to write for the first time. */
  wrote(): void;
  /** Called now and then; throws ScriptInterrupt when the script must end. */
  check(): void;
  /** `isRestarting`: it has done nothing, and begins again. */
  end(isRestarting: boolean): void;
}

export interface ScriptEngineOptions {
  readonly engine: Engine;
  readonly executor: CommandExecutor;
  readonly watch: ScriptWatch;
  /** Commands that are not the shards'. */
  readonly others: readonly CommandHead[];
  /** Microseconds since the epoch, now. */
  microseconds(): number;
  /** Publishes a message, to a shard channel or any; returns how many get it. */
  publish(channel: string, text: string, isSharded: boolean): number;
  log(level: LogLevel, text: string): void;
  /** An EVAL brought a script that was not known, or SCRIPT LOAD (`isLoaded`) any. */
  learned(digest: string, source: string, isLoaded: boolean): void;
  /** A script runs that was not reported for some time. */
  used(digest: string): void;
}

interface Script {
  readonly digest: string;
  readonly source: string;
  /** Undefined for a script without header. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  readonly body: string;
  compiled: CompiledScript | undefined;
  /** How many scripts were learned when its use was last reported. */
  usedAt: number;
}

/** A script or a function, to be run. */
interface ScriptBody {
  run(keys: readonly string[], args: readonly string[]): LuaResult;
}

/** A function that runs, for those who ask while it does. */
export interface RunningFunction {
  readonly name: string;
  /** The command that runs it. */
  readonly words: readonly string[];
}

/** A script by the bytes it was last asked for with. */
interface Recent {
  readonly name: Block;
  readonly script: Script;
}

/** Name of scripts in messages. */
const CHUNK_NAME = 'user_script';
const SOURCE = 1;
const KEY_COUNT = 2;
/** Argument that is the first key of EVAL and its relatives. */
export const FIRST_KEY = 3;

export class ScriptEngine implements ScriptHost {
  readonly #engine: Engine;
  readonly #watch: ScriptWatch;
  readonly #learned: ScriptEngineOptions['learned'];
  readonly #used: ScriptEngineOptions['used'];
  /** Scripts learned so far. */
  #learnedCount = 0;
  readonly #caller: CommandCaller;
  readonly #runtime: LuaRuntime;
  readonly functions: FunctionLibraries;
  /** The command that runs a function, while it does. */
  #call: { readonly name: string; readonly command: string; readonly request: Request } | undefined;
  readonly #scripts = new Map<string, Script>();
  /** Of digests, and of sources. */
  #recentDigests: (Recent | undefined)[] = new Array(RECENT_SCRIPTS).fill(undefined);
  #recentSources: (Recent | undefined)[] = new Array(RECENT_SCRIPTS).fill(undefined);

  constructor(options: ScriptEngineOptions) {
    const { engine, watch } = options;
    this.#engine = engine;
    this.#watch = watch;
    this.#learned = options.learned;
    this.#used = options.used;
    const local = localCommands({
      databases: () => engine.settings.databases,
      microseconds: options.microseconds,
      publish: options.publish,
    });
    this.#caller = new CommandCaller(
      engine,
      new ScriptCommands(local, options.others),
      options.executor,
      () => watch.wrote(),
    );
    this.#runtime = createRuntime({
      globals: [...standardLibraries(), ['redis', redisLibrary(this.#caller, options.log)]],
      interrupt: () => watch.check(),
    });
    this.functions = new FunctionLibraries({
      caller: this.#caller,
      log: options.log,
      check: () => watch.check(),
      microseconds: options.microseconds,
    });
  }

  // The cache

  get size(): number {
    return this.#scripts.size;
  }

  /** Characters of JavaScript that scripts became. */
  get codeLength(): number {
    return this.#runtime.codeLength;
  }

  has(digest: string): boolean {
    return this.#scripts.has(digest);
  }

  /** Adds a script that another shard has learned; it is compiled when it runs. */
  add(digest: string, source: string): void {
    if (this.#scripts.has(digest)) return;
    const header = readHeader(source);
    if (typeof header === 'string') return;
    const usedAt = ++this.#learnedCount;
    this.#scripts.set(digest, { digest, source, ...header, compiled: undefined, usedAt });
  }

  /** Forgets a script that was not used for long. */
  drop(digest: string): void {
    this.#scripts.get(digest)?.compiled?.release();
    this.#scripts.delete(digest);
    for (const recent of [this.#recentDigests, this.#recentSources]) {
      recent.forEach((each, at) => {
        if (each?.script.digest === digest) recent[at] = undefined;
      });
    }
  }

  /** Forgets all scripts. */
  flush(): void {
    for (const { compiled } of this.#scripts.values()) compiled?.release();
    this.#scripts.clear();
    this.#recentDigests = new Array(RECENT_SCRIPTS).fill(undefined);
    this.#recentSources = new Array(RECENT_SCRIPTS).fill(undefined);
  }

  // Commands

  evaluate(context: CommandContext, isReadOnly: boolean): void {
    const keys = keyCount(context);
    if (keys < 0) return;
    const script = this.#ofSource(context);
    if (script !== undefined) this.#run(context, script, keys, isReadOnly);
  }

  evaluateDigest(context: CommandContext, isReadOnly: boolean): void {
    const keys = keyCount(context);
    if (keys < 0) return;
    const script = this.#ofDigest(context.request);
    if (script === undefined) context.reply.error(errors.noScript);
    else this.#run(context, script, keys, isReadOnly);
  }

  callFunction(context: CommandContext, isReadOnly: boolean): void {
    const found = this.functions.find(context.request.text(SOURCE));
    const refusal =
      found === undefined ? functionErrors.notFound : this.#begin(context, found.flags, isReadOnly);
    if (refusal !== undefined) {
      context.reply.error(refusal);
      return;
    }
    const keys = keyCount(context, functionErrors.keyCount);
    if (keys < 0) return;
    const { name } = found!;
    this.#call = { name, command: isReadOnly ? 'FCALL_RO' : 'FCALL', request: context.request };
    this.#execute(context, name, found!, keys);
    this.#call = undefined;
  }

  /** The function that runs now; undefined while a script does. */
  runningFunction(): RunningFunction | undefined {
    if (this.#call === undefined) return undefined;
    const { name, command, request } = this.#call;
    const words = [command];
    for (let i = 1; i < request.argc; i++) words.push(request.text(i));
    return { name, words };
  }

  load(context: CommandContext): void {
    const script = this.#ofSource(context);
    if (script === undefined) return;
    this.#learned(script.digest, script.source, true);
    context.reply.text(script.digest);
  }

  #ofDigest(request: Request): Script | undefined {
    const offset = request.offset(SOURCE);
    const length = request.length(SOURCE);
    const recent = this.#recentDigests;
    const at = slotOf(request.block, offset, length);
    const found = recent[at];
    if (found !== undefined && isNamed(found, request.block, offset, length)) return found.script;
    const script = this.#scripts.get(request.text(SOURCE).toLowerCase());
    if (script === undefined) return undefined;
    recent[at] = { name: new Block(request.bytes(SOURCE)), script };
    return script;
  }

  /** The script of a text, learned if need be; undefined when an error was replied. */
  #ofSource(context: CommandContext): Script | undefined {
    const { request } = context;
    const offset = request.offset(SOURCE);
    const length = request.length(SOURCE);
    const recent = this.#recentSources;
    const at = length & (RECENT_SCRIPTS - 1);
    const found = recent[at];
    if (found !== undefined && isNamed(found, request.block, offset, length)) return found.script;
    const bytes = request.bytes(SOURCE);
    const digest = createHash('sha1').update(bytes).digest('hex');
    const script = this.#scripts.get(digest) ?? this.#learn(context, digest, request.text(SOURCE));
    if (script !== undefined) recent[at] = { name: new Block(bytes), script };
    return script;
  }

  #learn({ reply }: CommandContext, digest: string, source: string): Script | undefined {
    const header = readHeader(source);
    if (typeof header === 'string') {
      reply.error(header);
      return undefined;
    }
    const usedAt = ++this.#learnedCount;
    const script: Script = { digest, source, ...header, compiled: undefined, usedAt };
    const failure = this.#compile(script);
    if (failure !== undefined) {
      reply.error(scriptSyntax(failure));
      return undefined;
    }
    this.#scripts.set(digest, script);
    this.#learned(digest, source, false);
    return script;
  }

  /** Compiles a script; what is wrong with it, if anything. */
  #compile(script: Script): string | undefined {
    try {
      script.compiled = this.#runtime.compile(script.body, CHUNK_NAME);
      return undefined;
    } catch (error) {
      if (error instanceof LuaSyntaxError) return error.message;
      throw error;
    }
  }

  // Running

  #run(context: CommandContext, script: Script, keys: number, isReadOnly: boolean): void {
    const { reply } = context;
    if (this.#learnedCount - script.usedAt >= LEARNED_PER_REPORT) {
      script.usedAt = this.#learnedCount;
      this.#used(script.digest);
    }
    const refusal = this.#begin(context, script.flags, isReadOnly);
    if (refusal !== undefined) {
      reply.error(refusal);
      return;
    }
    if (script.compiled === undefined) {
      const failure = this.#compile(script);
      if (failure !== undefined) throw new Error(`a script that was compiled before: ${failure}`);
    }
    this.#execute(context, script.digest, script.compiled!, keys);
  }

  /** Prepares the caller; the reason why the script may not run, if any. */
  #begin(
    { request }: CommandContext,
    flags: ReadonlySet<ScriptFlag> | undefined,
    isReadOnly: boolean,
  ): string | undefined {
    const caller = this.#caller;
    caller.begin(request.database, request.connection, request.flags);
    const isShort = !this.#engine.hasRoom();
    const { stopsWrites } = this.#watch;
    if (flags === undefined) {
      caller.run.isReadOnly = isReadOnly;
      caller.run.isShortOfMemory = isShort;
      caller.run.isMisconfigured = stopsWrites;
      return undefined;
    }
    const writes = !flags.has('no-writes');
    if (isShort && writes && !flags.has('allow-oom')) return errors.outOfMemory;
    if (writes && stopsWrites) return errors.scriptMisconfigured;
    if (writes && isReadOnly) return errors.scriptWithWrites;
    caller.run.isReadOnly = !writes;
    return undefined;
  }

  /** `name` is what messages call it by: a digest, or a function's name. */
  #execute(context: CommandContext, name: string, body: ScriptBody, keys: number): void {
    const { reply, request } = context;
    const { errors: errorsBefore, protocol } = reply;
    const start = reply.position;
    const watch = this.#watch;
    let value: LuaValue;
    let failure: Error | undefined;
    const [names, values] = argumentsOf(request, keys);
    try {
      watch.begin(name, request, names);
      value = first(body.run(names, values));
    } catch (error) {
      if (!(error instanceof LuaError || error instanceof ScriptInterrupt)) throw error;
      failure = error;
    } finally {
      watch.end(failure instanceof ScriptRestart);
      this.#caller.end();
      // As the command that runs the script had them.
      context.request = request;
      context.keyspace = this.#engine.keyspace(request.database);
      context.isBlocked = false;
      reply.protocol = protocol;
      reply.position = start;
      // Errors of its commands are theirs.
      reply.errors = errorsBefore;
    }
    if (failure instanceof ScriptRestart) {
      this.#caller.rewind(request.database);
      this.#execute(context, name, body, keys);
    } else if (failure === undefined) encodeReply(reply, value, this.#caller.protocol);
    else this.#replyFailure(context, name, failure);
  }

  #replyFailure({ reply }: CommandContext, name: string, failure: Error): void {
    const position = failure instanceof LuaError ? failure.position : positionOf(failure);
    // An error that no line of Lua is to blame for (a callback that is none of Lua) names nothing.
    const place =
      position === undefined ? '' : ` script: ${name}, on @${position.source}:${position.line}.`;
    if (failure instanceof LuaError) {
      const { isCounted, text } = textOf(failure.value);
      const line = `${text}${place}`;
      if (isCounted) reply.countedError(line);
      else reply.error(line);
    } else {
      reply.error(`${failure.message}${place}`);
    }
  }
}

const knownNames = new KnownNames();

/** KEYS and ARGV. */
function argumentsOf(request: Request, keys: number): [string[], string[]] {
  const { argc, block } = request;
  const names: string[] = [];
  const values: string[] = [];
  const end = FIRST_KEY + keys;
  for (let i = FIRST_KEY; i < end; i++) {
    names.push(knownNames.nameAt(block, request.offset(i), request.length(i)));
  }
  for (let i = end; i < argc; i++) {
    values.push(textAt(block, request.offset(i), request.length(i)));
  }
  return [names, values];
}

/** The number of keys; −1 when an error was replied, `notNumber` when it is no number. */
function keyCount(
  { reply, request }: CommandContext,
  notNumber: string = errors.notInteger,
): number {
  const { block } = request;
  const count = parseInteger(block, request.offset(KEY_COUNT), request.length(KEY_COUNT));
  if (Number.isNaN(count)) reply.error(notNumber);
  else if (count > request.argc - FIRST_KEY) reply.error(errors.numkeysTooMany);
  else if (count < 0) reply.error(errors.keyCountNegative);
  else return count;
  return -1;
}

/** A place among the recent ones, from a digest's first digits. */
function slotOf(block: Block, offset: number, length: number): number {
  if (length < 4) return 0;
  const word = block.view.getInt32(offset, true);
  return Math.imul(word, 0x9e3779b1) >>> 24;
}

function isNamed({ name }: Recent, block: Block, offset: number, length: number): boolean {
  return name.size === length && equalBytes(name, 0, block, offset, length);
}
