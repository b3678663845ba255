/**
 * Source to a callable chunk: parse, infer numbers, write JavaScript, let V8 compile it.
 *
 * The generated code is strict, and everything it refers to by name is a parameter: the operations
 * below, the globals' accessors, and constants of the library. Names from the script get a `$`, so
 * none of them can reach anything else.
 *
 * Cost: about a microsecond per token; V8 compiles inner functions when they are first called.
 */
import { marker, quote } from './code-writer.ts';
import { forgetChunk, luaError, registerChunk } from './errors.ts';
import type { ChunkConstants } from './expressions.ts';
import { LuaSyntaxError } from './lexer.ts';
import { callable, indexSlow } from './metatables.ts';
import { DEPTH_MAX, meter } from './meter.ts';
import { inferNumbers } from './number-inference.ts';
import * as operators from './operators.ts';
import { parseScript } from './parser.ts';
import { writeChunk } from './statements.ts';
import { LuaTable } from './table.ts';
import { traverse } from './traversal.ts';
import { first, isTruthy, type LuaFunction, type LuaValue, NO_VALUES } from './values.ts';

const OPERATIONS: Readonly<Record<string, unknown>> = {
  add: operators.add,
  all: operators.spread,
  callable,
  concat: operators.concat,
  DEPTH_MAX,
  divide: operators.divide,
  equals: operators.equals,
  field: operators.field,
  first,
  index: operators.index,
  isTruthy,
  length: operators.length,
  less: operators.less,
  lessOrEqual: operators.lessOrEqual,
  loopNumber: operators.loopNumber,
  LuaTable,
  meter,
  modulo: operators.modulo,
  moduloOf: operators.moduloOf,
  multiply: operators.multiply,
  negate: operators.negate,
  NO_VALUES,
  power: operators.power,
  powerOf: operators.powerOf,
  setIndex: operators.setIndex,
  subtract: operators.subtract,
  tableOf: operators.tableOf,
  traverse,
};
/** Lines that `new Function` puts before the body. */
const LINES_BEFORE = 2;

export interface Chunk {
  readonly main: LuaFunction;
  /** Characters of the JavaScript it became. */
  readonly codeLength: number;
  /** Forgets the lines of the chunk; errors in it have no position any more. */
  release(): void;
}

/** Constants of one chunk: values of globals that are read-only for good. */
class GlobalConstants implements ChunkConstants {
  readonly isFixed: boolean = true;
  readonly values: LuaValue[] = [];
  readonly #names = new Map<LuaValue, string>();
  readonly #globals: LuaTable;
  readonly #variable: ReadonlySet<string>;

  constructor(globals: LuaTable, variable: ReadonlySet<string>) {
    this.#globals = globals;
    this.#variable = variable;
  }

  global(name: string): LuaValue {
    if (!this.#globals.readonly || this.#variable.has(name)) return undefined;
    const value = this.#globals.getField(name);
    return typeof value === 'function' || value instanceof LuaTable ? value : undefined;
  }

  field(globalName: string, key: string): LuaValue {
    const table = this.global(globalName);
    if (!(table instanceof LuaTable) || !table.readonly) return undefined;
    const value = table.getField(key);
    return typeof value === 'function' ? value : undefined;
  }

  nameOf(value: LuaValue, _line: number): string {
    let name = this.#names.get(value);
    if (name === undefined) {
      name = `c$$${this.values.length}`;
      this.values.push(value);
      this.#names.set(value, name);
    }
    return name;
  }
}

/** Whether the code of a library has run, and the globals that it sees until then. */
export interface Loading {
  isDone: boolean;
  readonly globals: LuaTable;
}

/** Constants that hold once a library is loaded; before, its globals are looked up. */
class LateConstants extends GlobalConstants {
  override readonly isFixed = false;
  /** How to look up what was given. */
  readonly #reads = new Map<LuaValue, string>();

  override global(name: string): LuaValue {
    const value = super.global(name);
    if (value !== undefined) this.#reads.set(value, `global(${quote(name)})`);
    return value;
  }

  override field(globalName: string, key: string): LuaValue {
    const value = super.field(globalName, key);
    const table = `global(${quote(globalName)})`;
    if (value !== undefined) this.#reads.set(value, `field(${table},${quote(key)})`);
    return value;
  }

  override nameOf(value: LuaValue, line: number): string {
    const read = this.#reads.get(value);
    return `(loading.isDone?${super.nameOf(value, line)}:${marker(line)}${read})`;
  }
}

/**
 * Compiles `source` for these globals. `variable` names globals that change from run to run;
 * `loading` makes it the code of a library. Throws LuaSyntaxError.
 */
export function compileChunk(
  source: string,
  name: string,
  globals: LuaTable,
  variable: ReadonlySet<string>,
  loading?: Loading,
): Chunk {
  const constants = new (loading === undefined ? GlobalConstants : LateConstants)(
    globals,
    variable,
  );
  const code = generate(source, name, constants);
  const { url, number } = registerChunk({ source: name, code, linesBefore: LINES_BEFORE });
  const scope: Record<string, unknown> = {
    ...OPERATIONS,
    ...(loading === undefined ? accessors(globals) : lateAccessors(globals, loading)),
    loading,
    constants: constants.values,
  };
  const make = new Function(...Object.keys(scope), `${code}\n//# sourceURL=${url}`);
  const main = asSyntaxError(name, () => make(...Object.values(scope)) as LuaFunction);
  return { main, codeLength: code.length, release: () => forgetChunk(number) };
}

/** How generated code reads and writes globals that it cannot take for constant. */
interface Accessors {
  global(key: string): LuaValue;
  setGlobal(key: string, value: LuaValue): void;
}

function accessors(globals: LuaTable): Accessors {
  return {
    global: (key) => globals.getField(key) ?? indexSlow(globals, key),
    setGlobal: (key, value) => operators.setIndex(globals, key, value),
  };
}

function lateAccessors(globals: LuaTable, loading: Loading): Accessors {
  const before = accessors(loading.globals);
  const after = accessors(globals);
  return {
    global: (key) => (loading.isDone ? after : before).global(key),
    setGlobal: (key, value) => (loading.isDone ? after : before).setGlobal(key, value),
  };
}

/** The JavaScript of a script; for tests and for reading. */
export function generate(
  source: string,
  name: string,
  constants: ChunkConstants & { readonly values: readonly LuaValue[] },
): string {
  return asSyntaxError(name, () => {
    const { main, locals } = parseScript(source, name);
    inferNumbers(locals);
    const code = writeChunk(constants, main);
    const names = constants.values.map((_, at) => `c$$${at}`);
    const taken = names.length === 0 ? '' : `const [${names.join(',')}]=constants;`;
    // In parentheses V8 compiles it at once, instead of reading it now and again when it is called.
    return `"use strict";${taken}${code.shared}return (${code.main});`;
  });
}

/** What exhausts JavaScript's stack while compiling is too complex a script. */
function asSyntaxError<Result>(name: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LuaSyntaxError(`${name}:1: function or expression too complex`);
  }
}

/** An error in code that `load` was given, for its second result. */
export function syntaxMessage(error: unknown): string {
  if (error instanceof LuaSyntaxError) return error.message;
  throw error instanceof Error ? error : luaError(String(error));
}
