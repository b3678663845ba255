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
  type LuaRuntime,
  LuaSyntaxError,
  type LuaValue,
  positionOf,
  ScriptInterrupt,
  standardLibraries,
} from '@hashlane/lua';
import { equalBytes, errors, scriptSyntax } from '@hashlane/resp';
import { CommandCaller, type CommandExecutor } from './command-caller.ts';
import { textOf } from './error-table.ts';
import { RECENT_SCRIPTS } from './limits.ts';
import { localCommands } from './local-commands.ts';
import { type LogLevel, redisLibrary } from './redis-library.ts';
import { textAt } from './reply-decoder.ts';
import { encodeReply } from './reply-encoder.ts';
import { type CommandHead, ScriptCommands } from './script-commands.ts';
import { readHeader, type ScriptFlag } from './shebang.ts';

/** How the rest of the server watches a running script. */
export interface ScriptWatch {
  begin(): void;
  /** The script is about to write for the first time. */
  wrote(): void;
  /** Called now and then; throws ScriptInterrupt when the script must end. */
  check(): void;
  end(): void;
}

export interface ScriptEngineOptions {
  readonly engine: Engine;
  readonly executor: CommandExecutor;
  readonly watch: ScriptWatch;
  /** Commands that are not the shards'. */
  readonly others: readonly CommandHead[];
  /** Microseconds since the epoch, now. */
  microseconds(): number;
  log(level: LogLevel, text: string): void;
  /** An EVAL brought a script that was not known. */
  learned(digest: string, source: string): void;
}

interface Script {
  readonly digest: string;
  readonly source: string;
  /** Undefined for a script without header. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  readonly body: string;
  compiled: CompiledScript | undefined;
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
const FIRST_KEY = 3;

export class ScriptEngine implements ScriptHost {
  readonly #engine: Engine;
  readonly #watch: ScriptWatch;
  readonly #learned: ScriptEngineOptions['learned'];
  readonly #caller: CommandCaller;
  readonly #runtime: LuaRuntime;
  readonly #scripts = new Map<string, Script>();
  /** Of digests, and of sources. */
  #recentDigests: (Recent | undefined)[] = new Array(RECENT_SCRIPTS).fill(undefined);
  #recentSources: (Recent | undefined)[] = new Array(RECENT_SCRIPTS).fill(undefined);

  constructor(options: ScriptEngineOptions) {
    const { engine, watch } = options;
    this.#engine = engine;
    this.#watch = watch;
    this.#learned = options.learned;
    const local = localCommands({
      databases: () => engine.settings.databases,
      microseconds: options.microseconds,
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
  }

  // The cache

  get size(): number {
    return this.#scripts.size;
  }

  has(digest: string): boolean {
    return this.#scripts.has(digest);
  }

  /** Adds a script that another shard has learned; it is compiled when it runs. */
  add(digest: string, source: string): void {
    if (this.#scripts.has(digest)) return;
    const header = readHeader(source);
    if (typeof header === 'string') return;
    this.#scripts.set(digest, { digest, source, ...header, compiled: undefined });
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

  callFunction(context: CommandContext, _isReadOnly: boolean): void {
    context.reply.error(errors.functionNotFound);
  }

  load(context: CommandContext): void {
    const script = this.#ofSource(context);
    if (script !== undefined) context.reply.text(script.digest);
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
    const script: Script = { digest, source, ...header, compiled: undefined };
    const failure = this.#compile(script);
    if (failure !== undefined) {
      reply.error(scriptSyntax(failure));
      return undefined;
    }
    this.#scripts.set(digest, script);
    this.#learned(digest, source);
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
    const refusal = this.#begin(context, script, isReadOnly);
    if (refusal !== undefined) {
      reply.error(refusal);
      return;
    }
    if (script.compiled === undefined) {
      const failure = this.#compile(script);
      if (failure !== undefined) throw new Error(`a script that was compiled before: ${failure}`);
    }
    this.#execute(context, script, keys);
  }

  /** Prepares the caller; the reason why the script may not run, if any. */
  #begin({ request }: CommandContext, script: Script, isReadOnly: boolean): string | undefined {
    const caller = this.#caller;
    const { flags } = script;
    caller.begin(request.database, request.connection, request.flags);
    const isShort = !this.#engine.hasRoom();
    if (flags === undefined) {
      caller.run.isReadOnly = isReadOnly;
      caller.run.isShortOfMemory = isShort;
      return undefined;
    }
    const writes = !flags.has('no-writes');
    if (writes && isReadOnly) return errors.scriptWithWrites;
    if (isShort && writes && !flags.has('allow-oom')) return errors.scriptOutOfMemory;
    caller.run.isReadOnly = !writes;
    return undefined;
  }

  #execute(context: CommandContext, script: Script, keys: number): void {
    const { reply, request } = context;
    const { protocol } = reply;
    const start = reply.position;
    const watch = this.#watch;
    let value: LuaValue;
    let failure: Error | undefined;
    watch.begin();
    try {
      value = first(script.compiled!.run(...argumentsOf(request, keys)));
    } catch (error) {
      if (!(error instanceof LuaError || error instanceof ScriptInterrupt)) throw error;
      failure = error;
    } finally {
      watch.end();
      this.#caller.end();
      // As the command that runs the script had them.
      context.request = request;
      context.keyspace = this.#engine.keyspace(request.database);
      context.isBlocked = false;
      reply.protocol = protocol;
      reply.position = start;
    }
    if (failure === undefined) encodeReply(reply, value, this.#caller.protocol);
    else this.#replyFailure(context, script, failure);
  }

  #replyFailure({ reply }: CommandContext, { digest }: Script, failure: Error): void {
    const position = failure instanceof LuaError ? failure.position : positionOf(failure);
    const place = position === undefined ? '' : `, on @${position.source}:${position.line}.`;
    if (failure instanceof LuaError) {
      const { isCounted, text } = textOf(failure.value);
      const line = `${text} script: ${digest}${place}`;
      if (isCounted) reply.countedError(line);
      else reply.error(line);
    } else {
      reply.error(`${failure.message} script: ${digest}${place}`);
    }
  }
}

/** KEYS and ARGV. */
function argumentsOf(request: Request, keys: number): [string[], string[]] {
  const { argc, block } = request;
  const names: string[] = [];
  const values: string[] = [];
  const end = FIRST_KEY + keys;
  for (let i = FIRST_KEY; i < argc; i++) {
    const text = textAt(block, request.offset(i), request.length(i));
    (i < end ? names : values).push(text);
  }
  return [names, values];
}

/** The number of keys; −1 when an error was replied. */
function keyCount({ reply, request }: CommandContext): number {
  const { block } = request;
  const count = parseInteger(block, request.offset(KEY_COUNT), request.length(KEY_COUNT));
  if (Number.isNaN(count)) reply.error(errors.notInteger);
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
