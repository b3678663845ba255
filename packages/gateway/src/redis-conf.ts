/**
 * redis.conf as text: lines into words, words into lines, files with their `include`s into
 * directives, and the rewriting of a file that keeps its comments and its order. Knows nothing of
 * what a directive means.
 *
 * A line is a name and words, parted by white space. `"…"` understands \n \r \t \b \a \xHH and a
 * backslash before anything else; `'…'` only \'. A closing quote must be followed by white space
 * or the end. Lines that start with # are comments. (Redis: sdssplitargs, sdscatrepr and
 * rewriteConfig* in config.c.)
 *
 * Words are text: bytes are read as UTF-8 after escapes are undone, so "\xc3\xa9" and é are one.
 * Written back, everything but printable ASCII is escaped.
 */

import { globSync, readFileSync } from 'node:fs';

/** A mistake of whoever wrote the configuration; the message is one line for a terminal. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** A directive and where it was written. */
export interface Directive {
  /** The name, in lower case, and what follows it. */
  readonly words: readonly string[];
  /** `redis.conf:12`, `--port`, `HASHLANE_PORT`: the start of an error message. */
  readonly origin: string;
}

const INCLUDE_DEPTH_MAX = 16;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** The words of a line; undefined when a quote is not closed or is followed by a letter. */
export function splitLine(line: string): string[] | undefined {
  // One char per byte, so that \xHH can spell parts of a UTF-8 sequence.
  const bytes = Buffer.from(line, 'utf8').toString('latin1');
  const words: string[] = [];
  let at = 0;
  while (true) {
    while (at < bytes.length && isSpace(bytes[at]!)) at++;
    if (at >= bytes.length) return words;
    const word = readWord(bytes, at);
    if (word === undefined) return undefined;
    words.push(Buffer.from(word.text, 'latin1').toString('utf8'));
    at = word.end;
  }
}

function isSpace(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r') || char === '\0';
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

/** A word may start bare and go on in quotes, as in `a"b c"`. */
function readWord(bytes: string, start: number): Piece | undefined {
  let text = '';
  let at = start;
  while (at < bytes.length && !isSpace(bytes[at]!)) {
    if (bytes[at] !== '"' && bytes[at] !== "'") {
      text += bytes[at++];
      continue;
    }
    const quoted = bytes[at] === '"' ? readDouble(bytes, at + 1) : readSingle(bytes, at + 1);
    if (quoted === undefined) return undefined;
    if (quoted.end < bytes.length && !isSpace(bytes[quoted.end]!)) return undefined;
    return { text: text + quoted.text, end: quoted.end };
  }
  return { text, end: at };
}

function readDouble(bytes: string, start: number): Piece | undefined {
  let text = '';
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === '"') return { text, end: at + 1 };
    if (bytes[at] !== '\\' || at + 1 >= bytes.length) {
      text += bytes[at];
    } else if (/^x[0-9a-fA-F]{2}/.test(bytes.slice(at + 1, at + 4))) {
      text += String.fromCharCode(Number.parseInt(bytes.slice(at + 2, at + 4), 16));
      at += 3;
    } else {
      at++;
      text += ESCAPES[bytes[at]!] ?? bytes[at];
    }
  }
  return undefined;
}

function readSingle(bytes: string, start: number): Piece | undefined {
  let text = '';
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === "'") return { text, end: at + 1 };
    if (bytes[at] === '\\' && bytes[at + 1] === "'") at++;
    text += bytes[at];
  }
  return undefined;
}

/** A word in double quotes that splitLine reads back. */
export function quoteWord(word: string): string {
  const names: Readonly<Record<string, string>> = {
    '"': '\\"',
    '\\': '\\\\',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\b': '\\b',
    '\x07': '\\a',
  };
  let quoted = '';
  for (const char of Buffer.from(word, 'utf8').toString('latin1')) {
    const printable = char >= ' ' && char <= '~';
    const hex = char.charCodeAt(0).toString(16).padStart(2, '0');
    quoted += names[char] ?? (printable ? char : `\\x${hex}`);
  }
  return `"${quoted}"`;
}

/** The directives of a file and of the files it includes. Throws ConfigurationError. */
export function readConfigurationFile(path: string, depth = 0): Directive[] {
  if (depth > INCLUDE_DEPTH_MAX) {
    throw new ConfigurationError(`${path}: included more than ${INCLUDE_DEPTH_MAX} files deep`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    return parseConfiguration(text, path, depth);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file' : message;
    throw new ConfigurationError(`cannot read the configuration file '${path}': ${reason}`);
  }
}

/** The directives of a text; `source` names it in messages. `include` is carried out here. */
export function parseConfiguration(text: string, source: string, depth = 0): Directive[] {
  const directives: Directive[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const origin = `${source}:${index + 1}`;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const words = splitLine(trimmed);
    if (words === undefined) {
      throw new ConfigurationError(`${origin}: unbalanced quotes in '${trimmed}'`);
    }
    const [name = '', ...rest] = words;
    if (name.toLowerCase() === 'include') {
      directives.push(...readIncluded(rest, origin, depth + 1));
    } else {
      directives.push({ words: [name.toLowerCase(), ...rest], origin });
    }
  }
  return directives;
}

/** As in Redis, paths are relative to the working directory, and a pattern may match nothing. */
function readIncluded(paths: readonly string[], origin: string, depth: number): Directive[] {
  if (paths.length !== 1) throw new ConfigurationError(`${origin}: include takes one path`);
  const path = paths[0]!;
  const files = /[*?[]/.test(path) ? globSync(path).sort() : [path];
  return files.flatMap((file) => readConfigurationFile(file, depth));
}

const SIGNATURE = '# Generated by CONFIG REWRITE';
/** Directives that are no parameters and are left in the file as they are. */
const KEPT = new Set(['include', 'rename-command', 'user', 'loadmodule']);

/** What a file shall say of one parameter: its lines, and whether they must be there. */
export interface RewrittenParameter {
  readonly name: string;
  readonly lines: readonly { readonly line: string; readonly force: boolean }[];
}

/**
 * A configuration file with new values. Lines of a parameter are replaced in place, what is left
 * over of them is dropped, what has no place is appended under a signature. `primaryName` maps a
 * name or an alias to the parameter, undefined if there is none: such a line is kept as a comment.
 */
export function rewriteConfiguration(
  text: string,
  parameters: readonly RewrittenParameter[],
  primaryName: (name: string) => string | undefined,
): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const places = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    lines[index] = line.trim();
    indexLine(lines, index, places, primaryName);
  }
  const appended: string[] = [];
  for (const { name, lines: wanted } of parameters) {
    const free = places.get(name) ?? [];
    for (const { line, force } of wanted) {
      const place = free.shift();
      if (place !== undefined) lines[place] = line;
      else if (force) appended.push(line);
    }
    for (const place of free) lines[place] = '';
  }
  if (appended.length > 0 && !lines.includes(SIGNATURE)) lines.push(SIGNATURE);
  return joinLines([...lines, ...appended]);
}

function indexLine(
  lines: string[],
  index: number,
  places: Map<string, number[]>,
  primaryName: (name: string) => string | undefined,
): void {
  const line = lines[index]!;
  if (line === '' || line.startsWith('#')) return;
  const word = splitLine(line)?.[0]?.toLowerCase() ?? '';
  const name = primaryName(word);
  if (name !== undefined) {
    const known = places.get(name);
    if (known === undefined) places.set(name, [index]);
    else known.push(index);
  } else if (!KEPT.has(word)) {
    lines[index] = `# ??? ${line}`;
  }
}

/** Runs of empty lines become one, as in Redis: dropped lines leave no holes. */
function joinLines(lines: readonly string[]): string {
  return lines
    .filter((line, index) => line !== '' || index === 0 || lines[index - 1] !== '')
    .map((line) => `${line}\n`)
    .join('');
}
