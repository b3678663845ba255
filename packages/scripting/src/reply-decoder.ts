/**
 * A command's reply as a Lua value: what the handler wrote into the engine's writer is read from
 * there and never copied as a whole.
 *
 * RESP2: a status is a table with `ok`, an error one with `err`, null is false. RESP3 (after
 * redis.setresp(3)) adds `map`, `set`, `double`, `big_number` and `verbatim_string`, and its null is
 * nil. Conversions: "Lua API reference" of the Redis documentation.
 *
 * Cost: O(bytes); a short string is made of its characters, because a call into Node costs more.
 */
import { LuaTable, type LuaValue } from '@hashlane/lua';
import type { Block } from '@hashlane/resp';
import { commandError } from './error-table.ts';

const { fromCharCode } = String;

const CR = 13;
const MINUS = 45;
/** Any integer of so many digits is a double. */
const EXACT_DIGITS = 15;

/**
 * Reads `length` bytes as a Lua string. Up to twelve characters are given one by one,
 * which costs a third of a call into Node (24 ns against 60 to 70 for twelve).
 */
export function textAt({ bytes: b }: Block, at: number, length: number): string {
  switch (length) {
    case 0:
      return '';
    case 1:
      return fromCharCode(b[at]!);
    case 2:
      return fromCharCode(b[at]!, b[at + 1]!);
    case 3:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!);
    case 4:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!);
    case 5:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!);
    case 6:
      return fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!);
    case 7:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
      );
    case 8:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
        b[at + 7]!,
      );
    case 9:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
        b[at + 7]!,
        b[at + 8]!,
      );
    case 10:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
        b[at + 7]!,
        b[at + 8]!,
        b[at + 9]!,
      );
    case 11:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
        b[at + 7]!,
        b[at + 8]!,
        b[at + 9]!,
        b[at + 10]!,
      );
    case 12:
      return fromCharCode(
        b[at]!,
        b[at + 1]!,
        b[at + 2]!,
        b[at + 3]!,
        b[at + 4]!,
        b[at + 5]!,
        b[at + 6]!,
        b[at + 7]!,
        b[at + 8]!,
        b[at + 9]!,
        b[at + 10]!,
        b[at + 11]!,
      );
    default:
      return b.latin1Slice(at, at + length);
  }
}

export class ReplyDecoder {
  #block!: Block;
  #at = 0;

  /** The value of the reply that begins at `start`. */
  decode(block: Block, start: number): LuaValue {
    this.#block = block;
    this.#at = start;
    return this.#value();
  }

  #value(): LuaValue {
    const type = this.#block.bytes[this.#at++]!;
    switch (type) {
      case 58: // ':'
        return this.#integer();
      case 36: // '$'
        return this.#bulk();
      case 42: // '*'
        return this.#array();
      case 43: // '+'
        return LuaTable.of([['ok', this.#line()]]);
      case 45: // '-'
        return commandError(this.#line());
      default:
        return this.#resp3(type);
    }
  }

  #resp3(type: number): LuaValue {
    switch (type) {
      case 95: // '_'
        this.#at += 2;
        return undefined;
      case 35: // '#'
        return this.#line() === 't';
      case 44: // ','
        return LuaTable.of([['double', doubleOf(this.#line())]]);
      case 40: // '('
        return LuaTable.of([['big_number', this.#line()]]);
      case 37: // '%'
        return LuaTable.of([['map', this.#map()]]);
      case 126: // '~'
        return LuaTable.of([['set', this.#set()]]);
      case 61: // '='
        return this.#verbatim();
      default:
        throw new Error(`a reply of type ${String.fromCharCode(type)} in a script`);
    }
  }

  /** The integer whose digits begin here, and its line's end. */
  #integer(): number {
    const { bytes } = this.#block;
    let at = this.#at;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let value = 0;
    for (; bytes[at] !== CR; at++) value = value * 10 + (bytes[at]! - 48);
    this.#at = at + 2;
    // Digit by digit a long one would be rounded more than once.
    if (at - first > EXACT_DIGITS) value = Number(bytes.latin1Slice(first, at));
    return isNegative ? -value : value;
  }

  #bulk(): LuaValue {
    const length = this.#integer();
    if (length < 0) return false;
    const at = this.#at;
    this.#at = at + length + 2;
    return textAt(this.#block, at, length);
  }

  #line(): string {
    const { bytes } = this.#block;
    const end = bytes.indexOf(CR, this.#at);
    const text = bytes.latin1Slice(this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #array(): LuaValue {
    const count = this.#integer();
    if (count < 0) return false;
    const values: LuaValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.#value());
    // A nil at the end is no element.
    while (values.length > 0 && values.at(-1) === undefined) values.pop();
    return new LuaTable(values);
  }

  #map(): LuaTable {
    const pairs = this.#integer();
    const table = new LuaTable();
    for (let i = 0; i < pairs; i++) {
      const key = this.#value();
      table.set(key, this.#value());
    }
    return table;
  }

  #set(): LuaTable {
    const count = this.#integer();
    const table = new LuaTable();
    for (let i = 0; i < count; i++) table.set(this.#value(), true);
    return table;
  }

  #verbatim(): LuaTable {
    const text = this.#bulk() as string;
    const parts = LuaTable.of([
      ['format', text.slice(0, 3)],
      ['string', text.slice(4)],
    ]);
    return LuaTable.of([['verbatim_string', parts]]);
  }
}

function doubleOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
