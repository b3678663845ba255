/**
 * The first line of a library of functions: `#!lua name=mylib`.
 *
 * Format, and the order of the checks: "Redis functions" of the Redis documentation and FUNCTION
 * LOAD of Redis 7.0.
 */
import { functionEngine, functionErrors, functionLibraryOption, splitWords } from '@hashlane/resp';

export interface LibraryHeader {
  readonly name: string;
  /** The source with the header's line emptied, so that line numbers stay. */
  readonly body: string;
}

const NAME = /^[A-Za-z0-9_]+$/;
const NAME_OPTION = 'name=';

/** The name of an engine as FUNCTION LIST has it; a header may spell it in any case. */
export const ENGINE_NAME = 'LUA';

/** May a library or a function be called so? */
export function isFunctionName(name: string): boolean {
  return NAME.test(name);
}

/** The header of a library; a text is the error to reply. */
export function readLibraryHeader(source: string): LibraryHeader | string {
  if (!source.startsWith('#!')) return functionErrors.noMetadata;
  const end = source.indexOf('\n');
  const line = end < 0 ? undefined : splitWords(source.slice(0, end));
  if (line === undefined || source.slice(0, end).includes('\0')) {
    return functionErrors.badMetadata;
  }
  const [engine = '', ...options] = line;
  const name = readName(options);
  if (typeof name !== 'string') return name.error;
  if (!isFunctionName(name)) return functionErrors.name;
  const wanted = engine.slice('#!'.length);
  if (wanted.toUpperCase() !== ENGINE_NAME) return functionEngine(wanted);
  return { name, body: source.slice(end) };
}

function readName(options: readonly string[]): string | { readonly error: string } {
  let name: string | undefined;
  for (const option of options) {
    if (option.slice(0, NAME_OPTION.length).toLowerCase() !== NAME_OPTION) {
      return { error: functionLibraryOption(option) };
    }
    if (name !== undefined) return { error: functionErrors.twoNames };
    name = option.slice(NAME_OPTION.length);
  }
  return name ?? { error: functionErrors.noName };
}
