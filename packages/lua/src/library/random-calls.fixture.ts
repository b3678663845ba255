/**
 * Random calls of library functions from a seed, as Lua expressions, for comparison with
 * redis-server: values, JSON texts, MessagePack, struct formats, good ones and spoilt ones.
 */
const NUMBERS = `0 1 -1 2 7 15 16 31 32 33 -32 -33 127 128 -128 -129 255 256 32767 32768 -32769
  65535 65536 2^31 2^31-1 -2^31 -2^31-1 2^32 2^32-1 2^53 -2^53 2^53+2 2^63 -2^63 2^64 1e15 1e16 0.5
  -0.5 1.5 2.5 0.1 1e-7 123456789.125 1e100 1e-310 3.14159265358979 100000000000000
  99999999999999.5 1/3`.split(/\s+/);
const ODD_NUMBERS = ['1/0', '-1/0', '0/0', '1e400', ...NUMBERS];
const ODD_KEYS = ['true', '1.5', '-1', '0', '2^31', '1e10', '11', '25'];
const LETTERS = ['a', 'key', 'x/y', '"', '\\', '\n', '\x00', '\x7f', '\x80', 'é', '\xff', '7', ' '];
const JSON_PIECES = `{ } [ ] , : " "a" "a\\n" "\\u00e9" "\\ud83d\\ude00" "\\ud83d" "\\udc00" "\\u12"
  "\\x" 1 -1 0 -0 01 1.5 1e5 -1E-3 .5 1. 0x1F -0x.8p1 nan NaN inf -infinity +1 true false null tru
  12345678901234567890 123456789012345 1e999 - "abc`.split(/\s+/);
const SPACES = ['', '', '', ' ', '\n', '\t\r', '\x0b', '\x00'];
const STRUCT_OPTIONS =
  `b B h H l L T i I i1 i3 i4 i8 i16 i32 I2 I7 I8 I9 I16 i9 f d x s c c0 c3 c5 < >
  ! !1 !2 !4 !16 i0`.split(/\s+/);
const BAD_OPTIONS = ['i33', 'i99999999999', '!3', '!0', 'y', '1', '-', 'z', 'é'];

/** A string as Lua source, bytes as decimal escapes where they need one. */
export function quote(text: string): string {
  const escaped = [...text].map((char) => {
    const code = char.charCodeAt(0);
    const isPlain = code >= 32 && code < 127 && char !== '"' && char !== '\\';
    return isPlain ? char : `\\${String(code).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}

export class RandomCalls {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 2654435761);
  }

  /** A Lua expression list that calls a function of this library. */
  call(library: string): string {
    if (library === 'cjson') return this.#cjson();
    return library === 'cmsgpack' ? this.#cmsgpack() : this.#struct();
  }

  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }

  #list(count: number, make: () => string, separator: string): string {
    return Array.from({ length: count }, make).join(separator);
  }

  #text(): string {
    const kind = this.#below(12);
    if (kind === 0)
      return 'y'.repeat(this.#pick([31, 32, 255, 256, this.#below(9) === 0 ? 65536 : 40]));
    return this.#list(this.#below(4), () => this.#pick(LETTERS), '');
  }

  #number(): string {
    if (this.#below(3) === 0) return String(this.#below(1000) - 500);
    if (this.#below(4) > 0) return this.#pick(NUMBERS);
    return `${this.#below(2 ** 31) - 2 ** 30}${this.#pick(['', '*2^17', '/2^20', '/1000'])}`;
  }

  /** Those that may be errors only where order is fixed, so that the first error is. */
  #scalar(isOrdered: boolean): string {
    switch (this.#below(8)) {
      case 0:
        return this.#pick(['true', 'false']);
      case 1:
        return isOrdered && this.#below(3) === 0 ? this.#pick(ODD_NUMBERS) : 'cjson.null';
      case 2:
      case 3:
        return quote(this.#text());
      case 4:
        return isOrdered && this.#below(12) === 0 ? this.#pick(['nil', 'print', 'tostring']) : '1';
      default:
        return this.#number();
    }
  }

  /** `isOrdered`: tables have one key in their hash part at most, so their order is fixed. */
  #value(depth: number, isOrdered: boolean): string {
    if (depth === 0 || this.#below(3) === 0) return this.#scalar(isOrdered);
    const inner = (): string => this.#value(depth - 1, isOrdered);
    const size = this.#below(10) === 0 ? 14 + this.#below(4) : this.#below(4);
    if (this.#below(2) === 0) return `{${this.#list(size, inner, ',')}}`;
    const field = (): string => `[${this.#key(isOrdered)}]=${inner()}`;
    return `{${this.#list(isOrdered ? Math.min(size, 1) : size, field, ',')}}`;
  }

  #key(isOrdered: boolean): string {
    const kind = this.#below(10);
    if (kind === 0) return this.#pick(isOrdered ? ODD_KEYS : ['1.5', '-1', '0']);
    return kind < 4
      ? String(this.#below(12) + 1)
      : quote(isOrdered ? this.#text() : `k${this.#text()}`);
  }

  #cjson(): string {
    switch (this.#below(5)) {
      case 0:
        return `cjson.encode(${this.#value(4, true)})`;
      case 1:
        return `cjson.decode(cjson.encode(${this.#value(4, false)}))`;
      case 2:
        return `cjson.decode(${quote(this.#tokens())})`;
      case 3:
        return `${this.#setting()}, cjson.encode(${this.#value(2, true)})`;
      default:
        return `cjson.decode(${quote(this.#spoilt(this.#json(4)))})`;
    }
  }

  #setting(): string {
    switch (this.#below(7)) {
      case 0:
        return `cjson.encode_number_precision(${this.#below(16)})`;
      case 1:
        return `cjson.encode_sparse_array(${this.#pick(['true', 'false', 'nil', '"on"', '3'])}, ${this.#below(4)}, ${this.#below(14)})`;
      case 2:
        return `cjson.encode_max_depth(${this.#below(4)})`;
      case 3:
        return `cjson.decode_max_depth(${this.#below(4)}), cjson.decode(${quote(this.#json(4))})`;
      case 4:
        return `cjson.encode_invalid_numbers(${this.#pick(['true', 'false', '"null"', '"off"', '{}'])}), cjson.encode(${this.#pick(ODD_NUMBERS)})`;
      case 5:
        return `cjson.decode_invalid_numbers(${this.#pick(['true', 'false'])}), cjson.decode(${quote(this.#tokens())})`;
      default:
        return 'cjson.encode_keep_buffer(1, 2)';
    }
  }

  #tokens(): string {
    return this.#list(1 + this.#below(4), () => this.#pick(JSON_PIECES) + this.#pick(SPACES), '');
  }

  #json(depth: number): string {
    const space = this.#pick(SPACES).replace(/[\0\v]/g, '');
    if (depth === 0 || this.#below(3) === 0) {
      if (this.#below(3) === 0) return this.#pick(JSON_PIECES.slice(6, 10)) + space;
      return this.#pick(['0', '-7', '12.75', '1e3', 'true', 'false', 'null', '"b/c"']) + space;
    }
    const inner = (): string => space + this.#json(depth - 1);
    if (this.#below(2) === 0) return `[${this.#list(this.#below(4), inner, ',')}]`;
    const field = (): string => `${space}"${this.#pick(['a', 'b', '1', ''])}":${inner()}`;
    return `{${this.#list(this.#below(4), field, ',')}}`;
  }

  /** Half of them with a byte changed, taken out or put in. */
  #spoilt(text: string): string {
    if (this.#below(2) === 0) return text;
    const at = this.#below(text.length + 1);
    const random = String.fromCharCode(this.#below(256));
    switch (this.#below(4)) {
      case 0:
        return text.slice(0, at) + random + text.slice(at);
      case 1:
        return text.slice(0, at) + random + text.slice(at + 1);
      case 2:
        return text.slice(0, at) + text.slice(at + 1);
      default:
        return text.slice(0, at);
    }
  }

  #cmsgpack(): string {
    switch (this.#below(5)) {
      case 0: {
        const value = (): string => this.#value(3, true);
        return `cmsgpack.pack(${this.#list(this.#below(4), value, ',')})`;
      }
      case 1:
        return `cmsgpack.unpack(cmsgpack.pack(${this.#value(4, false)}))`;
      case 2:
        return `cmsgpack.unpack_limit(cmsgpack.pack(1,2,{3},4), ${this.#below(7) - 1}, ${this.#below(9) - 1})`;
      case 3:
        return `cmsgpack.unpack_one(${quote(this.#packed(3))}, ${this.#below(4)})`;
      default:
        return `cmsgpack.unpack(${quote(this.#spoilt(this.#packed(3)))})`;
    }
  }

  /** MessagePack in all forms, also those that no writer here uses. */
  #packed(depth: number): string {
    const bytes = (count: number): string =>
      this.#list(count, () => String.fromCharCode(this.#below(256)), '');
    const kind = this.#below(depth === 0 ? 9 : 16);
    if (kind < 2) return String.fromCharCode(this.#below(128));
    if (kind < 3) return String.fromCharCode(0xe0 + this.#below(32));
    if (kind < 4) return this.#pick(['\xc0', '\xc2', '\xc3', '\xa0', '\xa1z']);
    if (kind < 8) {
      const type = 0xca + this.#below(10);
      const size = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8][type - 0xca]!;
      return String.fromCharCode(type) + bytes(size);
    }
    if (kind === 8) return this.#pick(['\xd9\x02ab', '\xda\0\x01c', '\xdb\0\0\0\x01d', bytes(3)]);
    const size = this.#below(4);
    const inner = (): string => this.#packed(depth - 1);
    if (kind < 12) {
      const begin = this.#pick([
        String.fromCharCode(0x90 | size),
        `\xdc\0${String.fromCharCode(size)}`,
      ]);
      return begin + this.#list(size, inner, '');
    }
    const field = (): string => `\xa1${this.#pick(['a', 'b', 'c', 'd'])}${inner()}`;
    const begin = this.#pick([
      String.fromCharCode(0x80 | size),
      `\xdf\0\0\0${String.fromCharCode(size)}`,
    ]);
    return begin + this.#list(size, field, '');
  }

  #struct(): string {
    const options = Array.from({ length: 1 + this.#below(5) }, () =>
      this.#pick(this.#below(30) === 0 ? BAD_OPTIONS : STRUCT_OPTIONS),
    );
    const format = quote(options.join(this.#pick(['', '', ' '])));
    switch (this.#below(4)) {
      case 0:
        return `struct.size(${format})`;
      case 1: {
        const bytes = this.#list(
          this.#below(40),
          () => this.#pick(['\0', '\x02', 'a', '\xff', '\x80']),
          '',
        );
        return `struct.unpack(${format}, ${quote(bytes)}, ${this.#below(6) - 1})`;
      }
      case 2:
        return `struct.unpack(${format}, struct.pack(${format}, ${this.#structValues(options)}))`;
      default:
        return `struct.pack(${format}, ${this.#structValues(options)})`;
    }
  }

  /** Mostly of the types that the options ask for. */
  #structValues(options: readonly string[]): string {
    const values = options.flatMap((option) => {
      if (/^[<>!x ]/.test(option)) return [];
      if (this.#below(40) === 0) return [this.#pick(['{}', '"12"', 'nil', '"x"', 'true'])];
      return [/^[cs]/.test(option) ? quote(this.#text()) : this.#number()];
    });
    return values.length === 0 ? 'nil' : values.join(', ');
  }
}
