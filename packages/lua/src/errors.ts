/**
 * Errors of Lua, and where in a script they happened.
 *
 * A LuaError carries any Lua value. Where it was thrown is found from JavaScript's stack trace, and
 * only when somebody asks: the generated code of a chunk begins each of its lines with the number of
 * the Lua line it belongs to (a comment), and its `sourceURL` leads to the chunk in the register
 * below. So positions cost nothing while a script runs well.
 *
 * Library functions throw `luaError('text')` for what `luaL_error` does in C: the text gets the
 * position of the Lua code that called the function, `user_script:12: text`. `badArgument` is
 * `luaL_argerror`.
 *
 * ScriptInterrupt is no error of Lua: `pcall` lets it pass.
 */
import { CHUNKS_MAX } from './limits.ts';
import { type LuaValue, typeName } from './values.ts';

/** Where in a script: its name as messages have it (`user_script`) and the line, from 1. */
export interface Position {
  readonly source: string;
  readonly line: number;
}

interface Chunk {
  readonly source: string;
  readonly code: string;
  /** JavaScript lines before the first line of `code`. */
  readonly linesBefore: number;
}

const URL_PREFIX = 'lua-chunk-';
const FRAMES_MAX = 40;
/** Name of the function in base-library.ts behind `pcall`. */
const PROTECTED_CALL = 'luaProtectedCall';
const chunks = new Map<number, Chunk>();
let chunkNumber = 0;

/** An error of the script; `value` is what `pcall` gives to it. */
export class LuaError extends Error {
  readonly value: LuaValue;
  #position: Position | undefined | null = null;

  constructor(value: LuaValue, position?: Position) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = FRAMES_MAX;
    super(typeof value === 'string' ? value : undefined);
    Error.stackTraceLimit = limit;
    this.value = value;
    if (position !== undefined) this.#position = position;
  }

  /** The Lua line that was executing when this was thrown. */
  get position(): Position | undefined {
    if (this.#position === null) {
      this.#position = positionsOf(this).find((each) => each !== undefined);
    }
    return this.#position;
  }
}

/** Ends a script from outside (SCRIPT KILL, a time limit). No `pcall` catches it. */
export class ScriptInterrupt extends Error {
  override name = 'ScriptInterrupt';
}

/** A name for the `sourceURL` of generated code, and the number to forget it by. */
export function registerChunk(chunk: Chunk): { url: string; number: number } {
  chunkNumber++;
  chunks.set(chunkNumber, chunk);
  if (chunks.size > CHUNKS_MAX) chunks.delete(chunks.keys().next().value!);
  return { url: `${URL_PREFIX}${chunkNumber}`, number: chunkNumber };
}

export function forgetChunk(number: number): void {
  chunks.delete(number);
}

/**
 * The Lua positions on the stack of a thrown error, innermost first; undefined stands for a
 * protected call, a level of its own that has no position.
 */
function positionsOf(error: Error): (Position | undefined)[] {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  const sites = error.stack as unknown;
  Error.prepareStackTrace = prepare;
  if (!Array.isArray(sites)) return [];
  return (sites as NodeJS.CallSite[]).flatMap((site) => {
    if (site.getFunctionName() === PROTECTED_CALL) return [undefined];
    const url = site.getScriptNameOrSourceURL();
    if (typeof url !== 'string' || !url.startsWith(URL_PREFIX)) return [];
    const chunk = chunks.get(Number(url.slice(URL_PREFIX.length)));
    return chunk === undefined ? [] : [positionIn(chunk, site.getLineNumber() ?? 0)];
  });
}

/** Where in a script something was thrown that is no LuaError. */
export function positionOf(error: Error): Position | undefined {
  return positionsOf(error).find((each) => each !== undefined);
}

/** The last marker at or before the line of generated code. */
function positionIn(chunk: Chunk, codeLine: number): Position {
  const lines = chunk.code.split('\n');
  for (let at = Math.min(codeLine - chunk.linesBefore, lines.length) - 1; at >= 0; at--) {
    const marker = /^\/\*(\d+)\*\//.exec(lines[at]!);
    // What stands before the first line that has a marker counts as line 1.
    if (marker !== null) return { source: chunk.source, line: Math.max(1, Number(marker[1])) };
  }
  return { source: chunk.source, line: 1 };
}

/** `user_script:12: ` for the Lua function at `level` (1: the innermost), or nothing. */
export function where(level: number): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  const position = positionsOf(new Error())[level - 1];
  Error.stackTraceLimit = limit;
  return position === undefined ? '' : `${position.source}:${position.line}: `;
}

/** An error with a text, at the Lua code that is running. Throw it. */
export function luaError(text: string): LuaError {
  return new LuaError(where(1) + text);
}

/** `bad argument #1 to 'rep' (…)`. Throw it. */
export function badArgument(number: number, name: string, problem: string): LuaError {
  const at = where(1);
  return new LuaError(`${at}bad argument #${number} to '${at === '' ? '?' : name}' (${problem})`);
}

/** `bad argument #1 to 'rep' (string expected, got nil)`. Throw it. */
export function wrongType(
  number: number,
  name: string,
  expected: string,
  args: readonly LuaValue[],
): LuaError {
  const got = number > args.length ? 'no value' : typeName(args[number - 1]);
  return badArgument(number, name, `${expected} expected, got ${got}`);
}

/** V8 says so when the stack ends while it compiles a regular expression. */
function isRegularExpressionCutOff(thrown: unknown): boolean {
  return thrown instanceof SyntaxError && thrown.message.includes('Maximum call stack');
}

/**
 * What a script sees of something thrown: LuaErrors as they are, JavaScript's own limits (stack,
 * string, array and map sizes) as errors of the script. Anything else is a bug and undefined.
 */
export function asLuaError(thrown: unknown): LuaError | undefined {
  if (thrown instanceof LuaError) return thrown;
  if (isRegularExpressionCutOff(thrown)) return new LuaError('stack overflow');
  if (!(thrown instanceof RangeError)) return undefined;
  const position = positionsOf(thrown)[0];
  const at = position === undefined ? '' : `${position.source}:${position.line}: `;
  if (thrown.message.includes('call stack')) return new LuaError(`${at}stack overflow`, position);
  return new LuaError('not enough memory', position);
}
