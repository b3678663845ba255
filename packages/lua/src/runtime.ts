/**
 * What scripts run in: one set of globals, protected as Redis protects them, and compiled scripts.
 *
 * Scripts cannot add or change globals, nor tables of the library; reading one that is not there is
 * an error. KEYS and ARGV are set for each run. A script leaves nothing behind for the next one.
 *
 * `run` throws LuaError for errors of the script and ScriptInterrupt for what `interrupt` threw;
 * anything else that comes out of it is a bug of ours. Runs may nest.
 */
import { createHash } from 'node:crypto';
import { BASE_LIBRARY } from './base-library.ts';
import { type Chunk, compileChunk, type Loading, syntaxMessage } from './compiler.ts';
import { asLuaError, luaError, wrongType } from './errors.ts';
import { callable, setStringMetatable } from './metatables.ts';
import { meter } from './meter.ts';
import { LuaTable } from './table.ts';
import { first, type LuaResult, type LuaValue } from './values.ts';

export interface RuntimeOptions {
  /** Further globals: libraries (their tables become read-only), `redis`, constants. */
  readonly globals?: Iterable<readonly [string, LuaValue]>;
  /** Called every few thousand steps of a running script; may throw ScriptInterrupt. */
  readonly interrupt?: () => void;
}

export interface CompiledScript {
  readonly sha1: string;
  /** Runs the script; its results are those of its `return`. */
  run(keys: readonly string[], args: readonly string[]): LuaResult;
  /** Forgets where its lines are; for a script that will not run again. */
  release(): void;
}

/** Globals that are another value in each run. */
const VARIABLE = new Set(['KEYS', 'ARGV']);

export class LuaRuntime {
  readonly globals: LuaTable;
  readonly #interrupt: (() => void) | undefined;
  /** Characters of JavaScript that the scripts became which are not released. */
  codeLength = 0;

  constructor(options: RuntimeOptions = {}) {
    this.#interrupt = options.interrupt;
    this.globals = LuaTable.of(BASE_LIBRARY);
    for (const [name, value] of options.globals ?? []) this.globals.set(name, value);
    this.globals.set('_G', this.globals);
    this.globals.set('_VERSION', 'Lua 5.1');
    this.globals.set('load', (...args) => this.#load(args));
    this.globals.set('loadstring', (...args) => this.#loadstring(args));
    this.#protect();
  }

  compile(source: string, name: string): CompiledScript {
    const { main, release } = this.#counted(this.#compileChunk(source, name));
    return {
      sha1: createHash('sha1').update(source, 'latin1').digest('hex'),
      run: (keys, args) => this.#run(main, keys, args),
      release,
    };
  }

  /** Compiles a library, which sees other globals while it is loaded. Throws LuaSyntaxError. */
  compileLibrary(source: string, name: string, loading: Loading): Chunk {
    return this.#counted(compileChunk(source, name, this.globals, VARIABLE, loading));
  }

  #counted(chunk: Chunk): Chunk {
    const { codeLength } = chunk;
    this.codeLength += codeLength;
    const release = (): void => {
      this.codeLength -= codeLength;
      chunk.release();
    };
    return { ...chunk, release };
  }

  /** Calls a function of a script, as `run` calls a script, with KEYS and ARGV as they are. */
  call(target: LuaValue, ...args: LuaValue[]): LuaResult {
    const before = meter.enter(this.#interrupt);
    const { depth } = meter;
    try {
      return callable(target)(...args);
    } catch (thrown) {
      throw asLuaError(thrown) ?? thrown;
    } finally {
      meter.depth = depth;
      meter.leave(before);
    }
  }

  #run(main: Chunk['main'], keys: readonly string[], args: readonly string[]): LuaResult {
    // Not `set`: the globals are read-only.
    this.globals.hash!.set('KEYS', new LuaTable([...keys]));
    this.globals.hash!.set('ARGV', new LuaTable([...args]));
    return this.call(main);
  }

  #compileChunk(source: string, name: string): Chunk {
    return compileChunk(source, name, this.globals, VARIABLE);
  }

  #protect(): void {
    for (const value of this.globals.hash?.values() ?? []) {
      if (value instanceof LuaTable) value.readonly = true;
    }
    const metatable = LuaTable.of([['__index', missingGlobal]]);
    metatable.readonly = true;
    this.globals.metatable = metatable;
    this.globals.readonly = true;
    const library = this.globals.getField('string');
    if (library instanceof LuaTable) {
      const ofStrings = LuaTable.of([['__index', library]]);
      ofStrings.readonly = true;
      setStringMetatable(ofStrings);
    }
  }

  #loadstring(args: readonly LuaValue[]): LuaResult {
    const [source, name] = args;
    if (typeof source !== 'string') throw wrongType(1, 'loadstring', 'string', args);
    return this.#loadText(source, typeof name === 'string' ? name : source);
  }

  #load(args: readonly LuaValue[]): LuaResult {
    const [reader, name] = args;
    if (typeof reader !== 'function') throw wrongType(1, 'load', 'function', args);
    let source = '';
    for (;;) {
      const piece = first(reader());
      if (piece === undefined || piece === '') break;
      if (typeof piece !== 'string') return [undefined, 'reader function must return a string'];
      source += piece;
      meter.chargeString(source.length);
    }
    return this.#loadText(source, typeof name === 'string' ? name : '=(load)');
  }

  #loadText(source: string, name: string): LuaResult {
    meter.charge(source.length);
    if (source.startsWith('\x1b')) return [undefined, 'bad header in precompiled chunk'];
    try {
      return this.#compileChunk(source, chunkName(name)).main;
    } catch (error) {
      return [undefined, syntaxMessage(error)];
    }
  }
}

export function createRuntime(options: RuntimeOptions = {}): LuaRuntime {
  return new LuaRuntime(options);
}

/** Compiles a script for a runtime. Throws LuaSyntaxError. */
export function compileScript(
  source: string,
  name: string,
  runtime: LuaRuntime = new LuaRuntime(),
): CompiledScript {
  return runtime.compile(source, name);
}

/**
 * Throws "stack overflow" unless JavaScript's stack has room for some 60 KB of calls. For functions
 * of the host that must not be cut off in the middle; costs nothing while a script is not nested.
 */
export function ensureStack(): void {
  meter.ensureStack();
}

function missingGlobal(_globals?: LuaValue, key?: LuaValue): LuaResult {
  throw luaError(`Script attempted to access nonexistent global variable '${String(key)}'`);
}

/** How messages name a chunk, as luaO_chunkid: `[string "first line..."]`. */
function chunkName(name: string): string {
  if (name.startsWith('=') || name.startsWith('@')) return name.slice(1, 60);
  const [line = ''] = name.split('\n', 1);
  const room = 60 - '[string "..."] '.length;
  if (line === name && line.length <= room) return `[string "${line}"]`;
  return `[string "${line.slice(0, room)}..."]`;
}
