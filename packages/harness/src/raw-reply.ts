/**
 * Replies as raw RESP2/RESP3 text, and what they say. Written apart from packages/resp on purpose:
 * a mistake there must not hide itself.
 *
 * `replyEnd` finds where a reply ends without making anything of it; tests compare raw text. Where
 * a test needs the value, `parseReply` makes strings (latin1), numbers, null, booleans and arrays;
 * maps and sets become flat arrays, and an error becomes a ReplyError object, not an exception.
 *
 * Format: Redis serialization protocol specification, versions 2 and 3.
 */

export class ReplyError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export type ReplyValue = string | number | boolean | null | ReplyError | readonly ReplyValue[];

const CR = 13;

/** Offset behind the reply that starts at `at`, or −1 when part of it is missing before `end`. */
export function replyEnd(bytes: Buffer, at: number, end: number): number {
  let wanted = 1;
  let position = at;
  while (wanted > 0) {
    const lineEnd = endOfLine(bytes, position, end);
    if (lineEnd < 0) return -1;
    const kind = String.fromCharCode(bytes[position]!);
    const next = lineEnd + 2;
    wanted--;
    if ('+-:_#,('.includes(kind)) {
      position = next;
    } else if ('$=!'.includes(kind)) {
      const length = integerAt(bytes, position + 1, lineEnd);
      position = length < 0 ? next : next + length + 2;
      if (position > end) return -1;
    } else if ('*~>%|'.includes(kind)) {
      const count = Math.max(0, integerAt(bytes, position + 1, lineEnd));
      wanted += kind === '%' || kind === '|' ? 2 * count : count;
      if (kind === '|') wanted++;
      position = next;
    } else {
      const around = bytes.latin1Slice(position, Math.min(end, position + 80));
      throw new Error(`not a reply: ${JSON.stringify(around)}`);
    }
  }
  return position;
}

function endOfLine(bytes: Buffer, from: number, end: number): number {
  const at = bytes.indexOf(CR, from);
  return at < 0 || at + 2 > end ? -1 : at;
}

function integerAt(bytes: Buffer, from: number, to: number): number {
  return Number(bytes.latin1Slice(from, to));
}

/** The value of one reply in raw text. */
export function parseReply(raw: string): ReplyValue {
  return new Reader(raw).value();
}

class Reader {
  readonly #raw: string;
  #at = 0;

  constructor(raw: string) {
    this.#raw = raw;
  }

  value(): ReplyValue {
    const lineEnd = this.#raw.indexOf('\r\n', this.#at);
    const kind = this.#raw[this.#at]!;
    const line = this.#raw.slice(this.#at + 1, lineEnd);
    this.#at = lineEnd + 2;
    switch (kind) {
      case '+':
      case '(':
        return line;
      case '-':
        return new ReplyError(line);
      case ':':
      case ',':
        return Number(line);
      case '_':
        return null;
      case '#':
        return line === 't';
      case '$':
        return this.#bulk(Number(line));
      case '!':
        return new ReplyError(this.#bulk(Number(line)) ?? '');
      case '=':
        return this.#bulk(Number(line))?.slice(4) ?? null;
      case '%':
        return this.#list(2 * Number(line));
      default:
        return this.#list(Number(line));
    }
  }

  #bulk(length: number): string | null {
    if (length < 0) return null;
    const text = this.#raw.slice(this.#at, this.#at + length);
    this.#at += length + 2;
    return text;
  }

  #list(count: number): ReplyValue[] | null {
    return count < 0 ? null : Array.from({ length: count }, () => this.value());
  }
}
