/**
 * The first line of a script: `#!lua flags=no-writes,allow-stale`, with `name=` for a library.
 *
 * It is split into words as a line of redis-cli is, quotes included.
 *
 * Format: "Script flags" and "Redis functions" in the Redis documentation.
 */
import { errors, shebangEngine, shebangFlag, shebangOption, splitWords } from '@hashlane/resp';

/** Flags that a script or a function may have. */
export const SCRIPT_FLAGS = [
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
] as const;
export type ScriptFlag = (typeof SCRIPT_FLAGS)[number];

export interface ScriptHeader {
  /** Undefined without a first line that says so: such a script decides as it runs. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  /** The source with the header's line emptied, so that line numbers stay. */
  readonly body: string;
}

export function isScriptFlag(word: string): word is ScriptFlag {
  return (SCRIPT_FLAGS as readonly string[]).includes(word);
}

/** The flags in the header of a script for EVAL; a text is the error to reply. */
export function readHeader(source: string): ScriptHeader | string {
  if (!source.startsWith('#!')) return { flags: undefined, body: source };
  const end = source.indexOf('\n');
  if (end < 0) return errors.shebangIncomplete;
  const words = splitWords(source.slice(0, end));
  if (words === undefined) return errors.shebangQuotes;
  const [engine = '', ...options] = words;
  if (engine !== '#!lua') return shebangEngine(engine);
  const flags = new Set<ScriptFlag>();
  for (const option of options) {
    if (!option.startsWith('flags=')) return shebangOption(option);
    const unknown = addFlags(flags, option.slice('flags='.length));
    if (unknown !== undefined) return shebangFlag(unknown);
  }
  return { flags, body: source.slice(end) };
}

/** Does the header of a script say that it may write? None does when there is none, or a mistake. */
export function scriptWrites(source: string): boolean {
  const header = readHeader(source);
  return typeof header !== 'string' && header.flags?.has('no-writes') === false;
}

/** Adds a list of flags; the first that is none is returned. */
function addFlags(flags: Set<ScriptFlag>, list: string): string | undefined {
  if (list === '') return undefined;
  for (const word of list.split(',')) {
    if (!isScriptFlag(word)) return word;
    flags.add(word);
  }
  return undefined;
}
