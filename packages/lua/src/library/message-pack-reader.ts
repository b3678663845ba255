/**
 * MessagePack to Lua values, from a string of bytes. Binary and extension types are unknown to Redis
 * and "bad data". A count that is larger than what follows allocates nothing: elements are read one
 * by one, and each takes a byte at least.
 *
 * Cost: linear in the bytes; elements are charged to the meter. Nested values take JavaScript's
 * stack.
 */
import { LuaError } from '../errors.ts';
import { ARRAY_ELEMENTS_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { LuaTable } from '../table.ts';
import type { LuaValue } from '../values.ts';
import { NestedFailure } from './nested-failure.ts';

const WORD = 2 ** 32;
const numbers = new DataView(new ArrayBuffer(8));

/** Throws NestedFailure. */
export class MessagePackReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, offset: number) {
    this.#text = text;
    this.#at = offset;
  }

  get offset(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  read(): LuaValue {
    const type = this.#text.charCodeAt(this.#need(1));
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f);
    if (type < 0xa0) return this.#array(type & 0x0f);
    if (type < 0xc0) return this.#string(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#typed(type);
  }

  #typed(type: number): LuaValue {
    switch (type) {
      case 0xc0:
        return undefined;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#float();
      case 0xcb:
        return this.#double();
      case 0xd9:
        return this.#string(this.#unsigned(1));
      case 0xda:
        return this.#string(this.#unsigned(2));
      case 0xdb:
        return this.#string(this.#unsigned(4));
      case 0xdc:
        return this.#array(this.#unsigned(2));
      case 0xdd:
        return this.#array(this.#unsigned(4));
      case 0xde:
        return this.#map(this.#unsigned(2));
      case 0xdf:
        return this.#map(this.#unsigned(4));
      default:
        return this.#integer(type);
    }
  }

  #integer(type: number): number {
    switch (type) {
      case 0xcc:
        return this.#unsigned(1);
      case 0xcd:
        return this.#unsigned(2);
      case 0xce:
        return this.#unsigned(4);
      case 0xd0:
        return (this.#unsigned(1) << 24) >> 24;
      case 0xd1:
        return (this.#unsigned(2) << 16) >> 16;
      case 0xd2:
        return this.#unsigned(4) | 0;
      case 0xcf: // a signed number too, as Redis reads it
      case 0xd3:
        return this.#long();
      default:
        throw new NestedFailure('Bad data format in input.');
    }
  }

  /** Goes over so many bytes; gives where they begin. */
  #need(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#text.length) throw new NestedFailure('Missing bytes in input.');
    this.#at = at + bytes;
    return at;
  }

  #unsigned(bytes: number): number {
    const at = this.#need(bytes);
    let value = 0;
    for (let offset = 0; offset < bytes; offset++) {
      value = value * 256 + this.#text.charCodeAt(at + offset);
    }
    return value;
  }

  /** Beyond 2^53 the nearest double, as in C: the upper half is exact, the sum rounds once. */
  #long(): number {
    this.#at = this.#need(8);
    return (this.#unsigned(4) | 0) * WORD + this.#unsigned(4);
  }

  #float(): number {
    numbers.setUint32(0, this.#unsigned(4));
    return numbers.getFloat32(0);
  }

  #double(): number {
    this.#at = this.#need(8);
    numbers.setUint32(0, this.#unsigned(4));
    numbers.setUint32(4, this.#unsigned(4));
    return numbers.getFloat64(0);
  }

  #string(length: number): string {
    const at = this.#need(length);
    return this.#text.slice(at, at + length);
  }

  #array(length: number): LuaTable {
    const elements: LuaValue[] = [];
    let size = 0;
    for (let at = 0; at < length; at++) {
      meter.charge(1);
      if (at >= ARRAY_ELEMENTS_MAX) throw new LuaError('table overflow');
      const value = this.read();
      elements.push(value);
      if (value !== undefined) size = at + 1;
    }
    elements.length = size;
    return new LuaTable(elements);
  }

  #map(length: number): LuaTable {
    const table = new LuaTable();
    for (let at = 0; at < length; at++) {
      meter.charge(1);
      const key = this.read();
      const value = this.read();
      table.set(key, value);
    }
    return table;
  }
}
