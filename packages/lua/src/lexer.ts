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
const WITH_EQUALS: Readonly<Record<string, string>> = {
  '=': '==',
  '<': '<=',
  '>': '>=',
  '~': '~=',
};
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const EQUALS = 61;
const OPEN_BRACKET = 91;
const DELETE = 127;
const BACKSLASH = 92;

// What a byte begins. Everything else is a symbol.
const SYMBOL = 0;
const LETTER = 1;
const DIGIT = 2;
const BLANK = 3;
const LINE_END = 4;
const QUOTE = 5;
/** By byte. */
const KINDS = new Uint8Array(256);
/** Symbols of one character, by byte: as constants they cost no slice. */
const SYMBOLS: readonly string[] = Array.from(KINDS, (_, code) => String.fromCharCode(code));

function setKind(kind: number, characters: string): void {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
}

setKind(LETTER, '_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');
setKind(DIGIT, '0123456789');
setKind(BLANK, ' \t\v\f');
setKind(LINE_END, '\n\r');
setKind(QUOTE, '"\'');

/** So many digits are a whole number that a double holds. */
const WHOLE_DIGITS_MAX = 15;

const isDigit = (code: number): boolean => KINDS[code] === DIGIT;
/** How messages show a symbol: control characters by their numbers. */
function symbolText(symbol: string): string {
  const code = symbol.charCodeAt(0);
  const isControl = code !== 0 && (code < SPACE || code === DELETE);
  return isControl ? `char(${code})` : symbol;
}

const isNewline = (code: number): boolean => code === NEWLINE || code === RETURN;
/** Letters and digits. */
const isNamePart = (code: number): boolean => (KINDS[code]! - 1) >>> 1 === 0;

export class Lexer {
  type = '<eof>';
  value: string | number = '';
  /** Line of the token in hand, and of the one before it. */
  line = 1;
  lastLine = 1;
  readonly #source: string;
  /** The source, and two zeros behind it: reading a byte is cheaper than reading a char. */
  readonly #bytes: Uint8Array;
  readonly #name: string;
  /** Some line ends with a carriage return: ends of lines cannot be searched for. */
  readonly #hasReturns: boolean;
  #at = 0;
  /** Line that the reader has come to. */
  #readLine = 1;
  #start = 0;
  #ahead: { type: string; value: string | number; line: number; start: number } | undefined;

  constructor(source: string, name: string) {
    const bytes = Buffer.allocUnsafe(source.length + 2);
    bytes.latin1Write(source);
    bytes.fill(0, source.length);
    this.#source = source;
    this.#bytes = bytes;
    this.#hasReturns = source.includes('\r');
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
      : symbolText(this.type);
  }

  #textRead(): string {
    return this.#source.slice(this.#start, this.#at);
  }

  #errorNear(message: string, near: string): LuaSyntaxError {
    const line = this.#ahead === undefined ? this.#readLine : this.line;
    // As in C, where the character 0 stands for no character.
    const place = near === '\0' ? '' : ` near '${near}'`;
    return new LuaSyntaxError(`${this.#name}:${line}: ${message}${place}`);
  }

  #read(): string {
    const bytes = this.#bytes;
    let at = this.#at;
    for (;;) {
      const code = bytes[at]!;
      if (code === SPACE) {
        at++;
        continue;
      }
      const kind = KINDS[code]!;
      if (kind === LETTER) return this.#readName(at);
      this.#at = at;
      if (kind === SYMBOL) {
        if (code !== MINUS || bytes[at + 1] !== MINUS) return this.#readSymbol(code);
        this.#skipComment();
      } else if (kind === LINE_END) this.#skipNewline();
      else if (kind === BLANK) this.#at++;
      else return kind === QUOTE ? this.#readString(code) : this.#readNumber();
      at = this.#at;
    }
  }

  #skipNewline(): void {
    this.#readLine++;
    const code = this.#bytes[this.#at++]!;
    if (!this.#hasReturns) return;
    const next = this.#bytes[this.#at]!;
    if (isNewline(next) && next !== code) this.#at++;
  }

  #skipComment(): void {
    this.#start = this.#at;
    this.#at += 2;
    if (this.#bytes[this.#at] === OPEN_BRACKET) {
      const level = this.#longLevel();
      if (level >= 0) {
        this.#readLong(level, 'unfinished long comment');
        return;
      }
    }
    const { length } = this.#source;
    if (this.#hasReturns) {
      while (this.#at < length && !isNewline(this.#bytes[this.#at]!)) this.#at++;
      return;
    }
    const end = this.#source.indexOf('\n', this.#at);
    this.#at = end < 0 ? length : end;
  }

  /** Number of `=` of a long bracket that opens here, or −1 − that number when it is none. */
  #longLevel(): number {
    let at = this.#at + 1;
    while (this.#bytes[at] === EQUALS) at++;
    const level = at - this.#at - 1;
    return this.#bytes[at] === OPEN_BRACKET ? level : -1 - level;
  }

  #readBracket(): string {
    this.#at--;
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
    if (isNewline(this.#bytes[this.#at]!)) this.#skipNewline();
    const close = `]${'='.repeat(level)}]`;
    const end = source.indexOf(close, this.#at);
    const text = end < 0 ? source.slice(this.#at) : source.slice(this.#at, end);
    const lines = this.#hasReturns ? text.replaceAll(/\r\n|\n\r|\r/g, '\n') : text;
    for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) this.#readLine++;
    if (end < 0) throw this.#errorNear(problem, '<eof>');
    this.#at = end + close.length;
    return lines;
  }

  #readName(start: number): string {
    const bytes = this.#bytes;
    let at = start + 1;
    while (isNamePart(bytes[at]!)) at++;
    this.#start = start;
    this.#at = at;
    const name = this.#source.slice(start, at);
    if (KEYWORDS.has(name)) return name;
    this.value = name;
    return '<name>';
  }

  #readNumber(): string {
    const bytes = this.#bytes;
    const start = this.#at;
    this.#start = start;
    let at = start;
    let whole = 0;
    for (let code = bytes[at]!; isDigit(code); code = bytes[++at]!)
      whole = whole * 10 + code - ZERO;
    if (at - start <= WHOLE_DIGITS_MAX && bytes[at] !== DOT && !isNamePart(bytes[at]!)) {
      this.#at = at;
      this.value = whole;
      return '<number>';
    }
    return this.#readLongNumber();
  }

  /** A number of any form, from the first digit or dot. */
  #readLongNumber(): string {
    const bytes = this.#bytes;
    let at = this.#at;
    while (isDigit(bytes[at]!) || bytes[at] === DOT) at++;
    if ((bytes[at]! | 32) === 101) {
      at++;
      if (bytes[at] === 43 || bytes[at] === MINUS) at++;
    }
    while (isNamePart(bytes[at]!) || bytes[at] === DOT) at++;
    const text = this.#source.slice(this.#at, at);
    this.#at = at;
    const value = textToNumber(text);
    if (value === undefined) throw this.#errorNear('malformed number', text);
    this.value = value;
    return '<number>';
  }

  #readString(quote: number): string {
    const source = this.#source;
    const bytes = this.#bytes;
    this.#start = this.#at;
    let text = '';
    let from = ++this.#at;
    let at = from;
    for (;;) {
      const code = bytes[at]!;
      if (code === quote) break;
      if (code === BACKSLASH) {
        this.#at = at;
        text += source.slice(from, at) + this.#readEscape();
        from = this.#at;
        at = from;
      } else if (code > RETURN) at++;
      else {
        this.#at = at;
        if (this.#isAtEnd()) throw this.#errorNear('unfinished string', '<eof>');
        if (isNewline(code)) throw this.#errorNear('unfinished string', this.#textRead());
        at++;
      }
    }
    this.#at = at + 1;
    this.value = text === '' ? source.slice(from, at) : text + source.slice(from, at);
    return '<string>';
  }

  #isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  #readEscape(): string {
    const bytes = this.#bytes;
    const code = bytes[++this.#at]!;
    if (isNewline(code)) {
      this.#skipNewline();
      return '\n';
    }
    if (!isDigit(code)) {
      if (this.#isAtEnd()) return '';
      const letter = SYMBOLS[bytes[this.#at++]!]!;
      return ESCAPES[letter] ?? letter;
    }
    let value = 0;
    for (let count = 0; count < 3 && isDigit(bytes[this.#at]!); count++) {
      value = value * 10 + bytes[this.#at++]! - ZERO;
    }
    if (value > 255) throw this.#errorNear('escape sequence too large', this.#textRead());
    return String.fromCharCode(value);
  }

  #readSymbol(code: number): string {
    const start = this.#at;
    this.#start = start;
    const next = this.#bytes[start + 1]!;
    this.#at = start + 1;
    if (code === DOT) return this.#readDots(next);
    if (code === OPEN_BRACKET) return this.#readBracket();
    if (next === EQUALS) {
      const twofold = WITH_EQUALS[SYMBOLS[code]!];
      if (twofold !== undefined) {
        this.#at = start + 2;
        return twofold;
      }
    }
    if (code === 0 && start >= this.#source.length) {
      this.#at = start;
      return '<eof>';
    }
    return SYMBOLS[code]!;
  }

  #readDots(next: number): string {
    if (next !== DOT) {
      if (!isDigit(next)) return '.';
      this.#at--;
      return this.#readLongNumber();
    }
    const isTriple = this.#bytes[this.#at + 1] === DOT;
    this.#at += isTriple ? 2 : 1;
    return isTriple ? '...' : '..';
  }
}
