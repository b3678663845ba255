/**
 * Tokens of Lua 5.1, from a source of chars 0–255.
 *
 * The token in hand is in the fields `type`, `value`, `line`; `advance` goes on to the next, `peek`
 * looks one further. A keyword or symbol is its own type. Messages are those of Lua's lexer, with
 * the text near which the error is.
 *
 * Cost: one pass, no regular expressions, a slice per name, number and string.
 */
import { textToNumber } from './number-text.ts';

/** A script that does not compile; the message has its position. */
export class LuaSyntaxError extends Error {}

const KEYWORDS = new Set([
  'and',
  'break',
  'do',
  'else',
  'elseif',
  'end',
  'false',
  'for',
  'function',
  'if',
  'in',
  'local',
  'nil',
  'not',
  'or',
  'repeat',
  'return',
  'then',
  'true',
  'until',
  'while',
]);
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const NEWLINE = 10;
const RETURN = 13;
const MINUS = 45;
const DOT = 46;
const EQUALS = 61;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95;
const isNewline = (code: number): boolean => code === NEWLINE || code === RETURN;

export class Lexer {
  type = '<eof>';
  value: string | number = '';
  /** Line of the token in hand, and of the one before it. */
  line = 1;
  lastLine = 1;
  readonly #source: string;
  readonly #name: string;
  #at = 0;
  /** Line that the reader has come to. */
  #readLine = 1;
  #start = 0;
  #ahead: { type: string; value: string | number; line: number; start: number } | undefined;

  constructor(source: string, name: string) {
    this.#source = source;
    this.#name = name;
    this.advance();
    this.lastLine = 1;
  }

  advance(): void {
    this.lastLine = this.line;
    if (this.#ahead !== undefined) {
      this.type = this.#ahead.type;
      this.value = this.#ahead.value;
      this.line = this.#ahead.line;
      this.#start = this.#ahead.start;
      this.#ahead = undefined;
      return;
    }
    this.type = this.#read();
    this.line = this.#readLine;
  }

  /** The type of the token after this one. */
  peek(): string {
    if (this.#ahead === undefined) {
      const { type, value, line } = this;
      const start = this.#start;
      const aheadType = this.#read();
      this.#ahead = {
        type: aheadType,
        value: this.value,
        line: this.#readLine,
        start: this.#start,
      };
      this.type = type;
      this.value = value;
      this.line = line;
      this.#start = start;
    }
    return this.#ahead.type;
  }

  /** An error near the token in hand. Throw it. */
  error(message: string): LuaSyntaxError {
    const isText = this.type === '<name>' || this.type === '<string>' || this.type === '<number>';
    const near = isText && this.#ahead === undefined ? this.#textRead() : this.#tokenText();
    return this.#errorNear(message, near);
  }

  /** An error that names no token. */
  plainError(message: string): LuaSyntaxError {
    return new LuaSyntaxError(`${this.#name}:${this.line}: ${message}`);
  }

  #tokenText(): string {
    return this.type === '<name>' || this.type === '<number>' || this.type === '<string>'
      ? String(this.value)
      : this.type;
  }

  #textRead(): string {
    return this.#source.slice(this.#start, this.#at);
  }

  #errorNear(message: string, near: string): LuaSyntaxError {
    const line = this.#ahead === undefined ? this.#readLine : this.line;
    return new LuaSyntaxError(`${this.#name}:${line}: ${message} near '${near}'`);
  }

  #read(): string {
    this.#skipBlanks();
    const code = this.#source.charCodeAt(this.#at);
    this.#start = this.#at;
    if (!(code >= 0)) return '<eof>';
    if (isLetter(code)) return this.#readName();
    if (isDigit(code)) return this.#readNumber();
    if (code === DOT && isDigit(this.#source.charCodeAt(this.#at + 1))) return this.#readNumber();
    if (code === 34 || code === 39) return this.#readString(code);
    if (code === OPEN_BRACKET) return this.#readBracket();
    return this.#readSymbol(code);
  }

  #skipBlanks(): void {
    const source = this.#source;
    for (;;) {
      const code = source.charCodeAt(this.#at);
      if (isNewline(code)) this.#skipNewline();
      else if (code === 32 || (code >= 9 && code <= 12)) this.#at++;
      else if (code === MINUS && source.charCodeAt(this.#at + 1) === MINUS) this.#skipComment();
      else return;
    }
  }

  #skipNewline(): void {
    const code = this.#source.charCodeAt(this.#at++);
    const next = this.#source.charCodeAt(this.#at);
    if (isNewline(next) && next !== code) this.#at++;
    this.#readLine++;
  }

  #skipComment(): void {
    this.#start = this.#at;
    this.#at += 2;
    if (this.#source.charCodeAt(this.#at) === OPEN_BRACKET) {
      const level = this.#longLevel();
      if (level >= 0) {
        this.#readLong(level, 'unfinished long comment');
        return;
      }
    }
    const { length } = this.#source;
    while (this.#at < length && !isNewline(this.#source.charCodeAt(this.#at))) this.#at++;
  }

  /** Number of `=` of a long bracket that opens here, or −1 − that number when it is none. */
  #longLevel(): number {
    let at = this.#at + 1;
    while (this.#source.charCodeAt(at) === EQUALS) at++;
    const level = at - this.#at - 1;
    return this.#source.charCodeAt(at) === OPEN_BRACKET ? level : -1 - level;
  }

  #readBracket(): string {
    const level = this.#longLevel();
    if (level >= 0) {
      this.value = this.#readLong(level, 'unfinished long string');
      return '<string>';
    }
    if (level === -1) {
      this.#at++;
      return '[';
    }
    this.#at += -level;
    throw this.#errorNear('invalid long string delimiter', this.#textRead());
  }

  #readLong(level: number, problem: string): string {
    const source = this.#source;
    this.#at += level + 2;
    if (isNewline(source.charCodeAt(this.#at))) this.#skipNewline();
    const close = `]${'='.repeat(level)}]`;
    const end = source.indexOf(close, this.#at);
    const text = end < 0 ? source.slice(this.#at) : source.slice(this.#at, end);
    const lines = text.split(/\r\n|\n\r|\n|\r/);
    this.#readLine += lines.length - 1;
    if (end < 0) throw this.#errorNear(problem, '<eof>');
    this.#at = end + close.length;
    return lines.length === 1 ? text : lines.join('\n');
  }

  #readName(): string {
    const source = this.#source;
    let at = this.#at + 1;
    for (let code = source.charCodeAt(at); isLetter(code) || isDigit(code); ) {
      code = source.charCodeAt(++at);
    }
    const name = source.slice(this.#at, at);
    this.#at = at;
    if (KEYWORDS.has(name)) return name;
    this.value = name;
    return '<name>';
  }

  #readNumber(): string {
    const source = this.#source;
    let at = this.#at;
    while (isDigit(source.charCodeAt(at)) || source.charCodeAt(at) === DOT) at++;
    if ((source.charCodeAt(at) | 32) === 101) {
      at++;
      if (source[at] === '+' || source[at] === '-') at++;
    }
    for (let code = source.charCodeAt(at); isLetter(code) || isDigit(code) || code === DOT; ) {
      code = source.charCodeAt(++at);
    }
    const text = source.slice(this.#at, at);
    this.#at = at;
    const value = textToNumber(text);
    if (value === undefined) throw this.#errorNear('malformed number', text);
    this.value = value;
    return '<number>';
  }

  #readString(quote: number): string {
    const source = this.#source;
    let text = '';
    let from = ++this.#at;
    for (;;) {
      const code = source.charCodeAt(this.#at);
      if (code === quote) break;
      if (!(code >= 0)) throw this.#errorNear('unfinished string', '<eof>');
      if (isNewline(code)) throw this.#errorNear('unfinished string', this.#textRead());
      if (code === BACKSLASH) {
        text += source.slice(from, this.#at) + this.#readEscape();
        from = this.#at;
      } else {
        this.#at++;
      }
    }
    this.value = text + source.slice(from, this.#at);
    this.#at++;
    return '<string>';
  }

  #readEscape(): string {
    const source = this.#source;
    const code = source.charCodeAt(++this.#at);
    if (isNewline(code)) {
      this.#skipNewline();
      return '\n';
    }
    if (!isDigit(code)) {
      if (!(code >= 0)) return '';
      const letter = source[this.#at++]!;
      return ESCAPES[letter] ?? letter;
    }
    let value = 0;
    for (let count = 0; count < 3 && isDigit(source.charCodeAt(this.#at)); count++) {
      value = value * 10 + source.charCodeAt(this.#at++) - 48;
    }
    if (value > 255) throw this.#errorNear('escape sequence too large', this.#textRead());
    return String.fromCharCode(value);
  }

  #readSymbol(code: number): string {
    const source = this.#source;
    const next = source.charCodeAt(this.#at + 1);
    const first = source[this.#at]!;
    this.#at++;
    if (code === DOT && next === DOT) {
      const isDots = source.charCodeAt(this.#at + 1) === DOT;
      this.#at += isDots ? 2 : 1;
      return isDots ? '...' : '..';
    }
    if (next === EQUALS && (first === '=' || first === '<' || first === '>' || first === '~')) {
      this.#at++;
      return `${first}=`;
    }
    return first;
  }
}
