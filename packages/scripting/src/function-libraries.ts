/**
 * The libraries of functions of one shard: FUNCTION LOAD compiles and runs a library's source once,
 * which registers its functions; FCALL finds them by name, in any case.
 *
 *   source ─▶ header ─▶ compiled ─▶ run with the globals of loading ─▶ functions
 *
 * A library sees other globals while it is loaded (`redis` with register_function and log, nothing
 * else) than when its functions run (what scripts have). Its locals live as long as the library
 * does, in each shard apart.
 *
 * Which libraries there are, and that names are not taken twice, is not decided here but by the
 * group of shards (shard-worker's function-store.ts), for all shards alike.
 */
import {
  createRuntime,
  LuaError,
  type LuaFunction,
  type LuaResult,
  type LuaRuntime,
  LuaSyntaxError,
  LuaTable,
  type LuaValue,
  ScriptInterrupt,
  standardLibraries,
} from '@hashlane/lua';
import {
  functionErrors,
  functionRegistration,
  functionSyntax,
  registrationErrors,
} from '@hashlane/resp';
import type { CommandCaller } from './command-caller.ts';
import { raised, textOf } from './error-table.ts';
import { type Registration, readRegistration } from './function-registration.ts';
import { readLibraryHeader } from './library-header.ts';
import { LOAD_MS_MAX } from './limits.ts';
import { functionLibrary, loadingLibrary, type WriteLog } from './redis-library.ts';
import { SCRIPT_FLAGS, type ScriptFlag } from './shebang.ts';

/** What is known of a function outside the shards. */
export interface FunctionDescription {
  readonly name: string;
  readonly description: string | undefined;
  /** In Redis's order. */
  readonly flags: readonly ScriptFlag[];
}

/** A function that can be called. */
export interface LibraryFunction {
  readonly name: string;
  readonly flags: ReadonlySet<ScriptFlag>;
  run(keys: readonly string[], args: readonly string[]): LuaResult;
}

export interface FunctionLibrariesOptions {
  readonly caller: CommandCaller;
  readonly log: WriteLog;
  /** Called now and then while a function runs. */
  check(): void;
  /** Microseconds, on any clock. */
  microseconds(): number;
}

interface Library {
  readonly functions: readonly Registration[];
  release(): void;
}

interface Globals {
  /** Its globals are those of functions that run. */
  readonly runtime: LuaRuntime;
  /** Globals of a library that is being loaded. */
  readonly loading: LuaTable;
}

/** Name of libraries in messages. */
const CHUNK_NAME = 'user_function';

export class FunctionLibraries {
  readonly #options: FunctionLibrariesOptions;
  #globals: Globals | undefined;
  readonly #libraries = new Map<string, Library>();
  /** By lower-case name. */
  readonly #functions = new Map<string, LibraryFunction>();
  /** The functions of the library that is being loaded. */
  #registered: Map<string, Registration> | undefined;
  #loadEndsAt = 0;
  /** What is logged now was logged before, by the shard that tried the library. */
  #isSilent = false;

  constructor(options: FunctionLibrariesOptions) {
    this.#options = options;
  }

  /** Made with the first library: most servers have none. */
  get #made(): Globals {
    this.#globals ??= this.#makeGlobals();
    return this.#globals;
  }

  #makeGlobals(): Globals {
    const { caller, log } = this.#options;
    const logAloud: WriteLog = (level, text) => {
      if (!this.#isSilent) log(level, text);
    };
    const runtime = createRuntime({
      globals: [...standardLibraries(), ['redis', functionLibrary(caller, logAloud)]],
      interrupt: () => this.#interrupt(),
    });
    const redis = loadingLibrary((...args) => this.#register(args), logAloud);
    const loading = LuaTable.of([['redis', redis]]);
    for (const table of [redis, loading]) {
      table.metatable = runtime.globals.metatable;
      table.readonly = true;
    }
    return { runtime, loading };
  }

  /** Characters of JavaScript that the libraries became. */
  get codeLength(): number {
    return this.#globals?.runtime.codeLength ?? 0;
  }

  /** The function of a name in any case. */
  find(name: string): LibraryFunction | undefined {
    return this.#functions.get(name) ?? this.#functions.get(name.toLowerCase());
  }

  /** Loads a library to see what it registers, and forgets it; a text is the error to reply. */
  try(source: string): readonly FunctionDescription[] | string {
    const library = this.#load(source, LOAD_MS_MAX);
    if (typeof library === 'string') return library;
    library.release();
    return library.functions.map(({ name, description, flags }) => ({
      name,
      description,
      flags: SCRIPT_FLAGS.filter((flag) => flags.has(flag)),
    }));
  }

  /** Adds a library that was tried before; a text says why it could not be. */
  add(name: string, source: string): string | undefined {
    this.#isSilent = true;
    const library = this.#load(source, Number.POSITIVE_INFINITY);
    this.#isSilent = false;
    if (typeof library === 'string') return library;
    this.#libraries.set(name, library);
    for (const registration of library.functions) {
      this.#functions.set(registration.name.toLowerCase(), this.#callable(registration));
    }
    return undefined;
  }

  delete(name: string): void {
    const library = this.#libraries.get(name);
    if (library === undefined) return;
    this.#libraries.delete(name);
    for (const each of library.functions) this.#functions.delete(each.name.toLowerCase());
    library.release();
  }

  #callable({ name, flags, callback }: Registration): LibraryFunction {
    return {
      name,
      flags,
      run: (keys, args) =>
        this.#made.runtime.call(callback, new LuaTable([...keys]), new LuaTable([...args])),
    };
  }

  #load(source: string, timeLimitMs: number): Library | string {
    const header = readLibraryHeader(source);
    if (typeof header === 'string') return header;
    const { runtime, loading } = this.#made;
    const phase = { isDone: false, globals: loading };
    const registered = new Map<string, Registration>();
    try {
      const { main, release } = runtime.compileLibrary(header.body, CHUNK_NAME, phase);
      const failure = this.#run(main, registered, timeLimitMs);
      if (failure !== undefined) {
        release();
        return failure;
      }
      phase.isDone = true;
      return { functions: [...registered.values()], release };
    } catch (error) {
      if (error instanceof LuaSyntaxError) return functionSyntax(error.message);
      throw error;
    }
  }

  /** Runs a library's code, which registers its functions; what is wrong with it, if anything. */
  #run(
    main: LuaFunction,
    registered: Map<string, Registration>,
    timeLimitMs: number,
  ): string | undefined {
    this.#registered = registered;
    this.#loadEndsAt = this.#options.microseconds() + 1000 * timeLimitMs;
    try {
      this.#made.runtime.call(main);
    } catch (error) {
      if (error instanceof LuaError) return functionRegistration(textOf(error.value).text);
      if (error instanceof ScriptInterrupt) return functionRegistration(error.message);
      throw error;
    } finally {
      this.#registered = undefined;
    }
    return registered.size === 0 ? functionErrors.empty : undefined;
  }

  #register(args: readonly LuaValue[]): readonly [] {
    const registered = this.#registered;
    if (registered === undefined) throw raised(registrationErrors.notLoading);
    const registration = readRegistration(args);
    if (registered.has(registration.name)) throw raised(registrationErrors.twice);
    registered.set(registration.name, registration);
    return [];
  }

  #interrupt(): void {
    if (this.#registered === undefined) this.#options.check();
    else if (this.#options.microseconds() > this.#loadEndsAt) {
      throw new ScriptInterrupt(functionErrors.loadTimeout);
    }
  }
}
