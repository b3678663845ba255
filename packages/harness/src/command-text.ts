/**
 * Commands as one line of text, for tables of cases and for printing a failing program.
 *
 * `SET key "a b\x00"`: words are separated by blanks; a word in double quotes may hold anything,
 * with `\"`, `\\`, `\n`, `\r`, `\t` and `\xHH`. redis-cli reads the same lines.
 */

const WORD = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|(.))/g;
const LETTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Words of a line as latin1 text. */
export function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(WORD), ([, quoted, plain]) =>
    quoted === undefined ? plain! : decodeEscapes(quoted),
  );
}

function decodeEscapes(text: string): string {
  return text.replace(ESCAPE, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (LETTERS[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The line that `wordsOf` reads these words from. */
export function lineOf(words: readonly string[]): string {
  return words.map((word) => (/^[!#-[\]-~]+$/.test(word) ? word : quote(word))).join(' ');
}

function quote(word: string): string {
  const escaped = word.replace(/[^ !#-[\]-~]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
