/**
 * Random scripts for EVAL: Lua programs that call random commands, look at what they reply, and
 * return some of it. The commands are those of the other groups, their keys with one hash tag, so
 * that a script is at home on one shard.
 *
 * Left out are commands whose replies two servers may choose freely; replies in no order are put
 * into one by the script. Where a table of RESP3 has several fields, the script returns a text of
 * it, because its order is Lua's.
 */

import { createHash } from 'node:crypto';
import type { SeededRandom } from './seeded-random.ts';

/** Replies that may differ, that depend on the clock or on the version, or that are about all keys. */
const UNFIT = new RegExp(
  '^(SPOP|SRANDMEMBER|HRANDFIELD|ZRANDMEMBER|RANDOMKEY|[HSZ]SCAN|OBJECT|SORT(_RO)?|' +
    'RESTORE|[BL]?LPOS|P?TTL|P?EXPIRETIME|XINFO|XPENDING|XREADGROUP|XCLAIM|XAUTOCLAIM|XGROUP|' +
    'FLUSHALL|FLUSHDB|DBSIZE|SWAPDB|KEYS|MOVE|COPY|SELECT|WATCH|UNWATCH|MULTI|EXEC|DISCARD)$',
);
const UNORDERED = /^(SMEMBERS|SINTER|SUNION|SDIFF|HKEYS|HVALS|HGETALL)$/;
/** No deadline may come while the program runs. */
const TIMED = /^(SET|P?SETEX|GETEX|P?EXPIRE(AT)?)$/;
const ODD_TIMEOUT = /^(1e400|inf|9223372036854775807|0x.*)$/;
const TRIES = 20;
const SOURCES_MAX = 1000;

const HEAD = `local out, n, last = {}, 0, 'x'
local function note(v) n = n + 1 out[n] = v end
local function show(v)
  local t = type(v)
  if t == 'number' then return string.format('%.17g', v) end
  if t ~= 'table' then return t .. ':' .. tostring(v) end
  local r = {}
  for k, x in pairs(v) do r[#r + 1] = show(k) .. '=' .. show(x) end
  table.sort(r)
  return '{' .. table.concat(r, ',') .. '}'
end
local function bag(v)
  if type(v) ~= 'table' or v.err then return v end
  local r = {}
  for k, x in pairs(v.set or v.map or v) do
    r[#r + 1] = type(k) == 'number' and show(x) or show(k) .. show(x)
  end
  table.sort(r)
  return r
end
local function open(v)
  if type(v) ~= 'table' then return false end
  local m = v.map or v.set
  if type(m) == 'table' and next(m) ~= nil and next(m, (next(m))) ~= nil then return true end
  for _, x in pairs(v) do if open(x) then return true end end
  return false
end
local function raw(v) if open(v) then return show(v) end return v end
local function text(v)
  if type(v) == 'string' or type(v) == 'number' then return v end
  return #show(v)
end`.replaceAll(/\n( +|(?=end))/g, ' ');

/** A script as text, and what goes with it. */
interface RandomScript {
  readonly source: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** The last script of a program, which its seed carries. */
const lastScripts = new WeakMap<SeededRandom, string>();

/** A random EVAL or one of its relatives; `command` makes commands for it. */
export function randomEvaluation(
  name: string,
  random: SeededRandom,
  command: () => string[],
): string[] {
  const { args, keys, source } = new ScriptMaker(random, command).make();
  const known = lastScripts.get(random);
  const isByDigest = name.startsWith('EVALSHA');
  const script = isByDigest && known !== undefined ? known : source;
  if (!isByDigest) lastScripts.set(random, source);
  const first = isByDigest ? digestOf(script) : script;
  const count = random.oneIn(40) ? random.pick(['x', '-1', '99', '', '1.0']) : String(keys.length);
  return [name, first, count, ...keys, ...args];
}

/** Sources of the digests that programs name, for whoever prints one. */
const sources = new Map<string, string>();

function digestOf(source: string): string {
  const digest = createHash('sha1').update(source, 'latin1').digest('hex');
  if (sources.size >= SOURCES_MAX) sources.clear();
  sources.set(digest, source);
  return digest;
}

/** The script that a command runs, or undefined for other commands. */
export function scriptOf([name = '', script = '']: readonly string[]): string | undefined {
  if (!name.startsWith('EVAL')) return undefined;
  return name.startsWith('EVALSHA') ? sources.get(script) : script;
}

class ScriptMaker {
  readonly #random: SeededRandom;
  readonly #command: () => string[];
  readonly #keys: string[];
  readonly #args: string[] = [];
  #depth = 0;

  constructor(random: SeededRandom, command: () => string[]) {
    this.#random = random;
    this.#command = command;
    // Every script declares a key of the tag, else it might run on another shard.
    this.#keys = [tagged('s', random), ...(random.oneIn(2) ? [tagged('l', random)] : [])];
  }

  make(): RandomScript {
    const random = this.#random;
    const shebang = random.oneIn(12) ? `#!lua ${random.pick(SHEBANGS)}\n` : '';
    const count = 1 + random.below(8);
    const lines = Array.from({ length: count }, () => this.#statement());
    const source = `${shebang}${[HEAD, ...lines, this.#last()].join('\n')}`;
    return { source, keys: this.#keys, args: this.#args };
  }

  #last(): string {
    return this.#random.pick([
      'return raw(out)',
      'return raw(out)',
      'return show(out)',
      'return raw(last)',
      'return {raw(last), n, show(out)}',
      'return cjson.encode({show(out)})',
      'return cmsgpack.pack({show(out), n})',
      'return {map = {a = raw(out)}}',
      'return {set = {[show(last)] = true}}',
      'return {double = n / 3}',
      'return n * 1.7, 5',
      'return redis.status_reply(show(n))',
      'return redis.error_reply(show(n))',
      `return ${this.#result('redis.call')}`,
      'error(show(last))',
      'error(text(last))',
      'error({err = show(n)})',
      '',
    ]);
  }

  #statement(): string {
    const random = this.#random;
    switch (random.below(this.#depth > 1 ? 10 : 15)) {
      case 0:
        return this.#protected();
      case 1:
        return random.oneIn(2) ? this.#noted('redis.call') : this.#noted('redis.pcall');
      case 2:
        return `redis.setresp(${random.pick(['2', '3', '3'])})`;
      case 3:
        return `note(${random.pick(VALUES)})`;
      case 10:
        return this.#within(`for i = 1, ${1 + random.below(4)} do`, 'end');
      case 11:
        return this.#within('if last then', 'end');
      case 12: {
        const list = `ipairs(type(last) == 'table' and last or {1, 'b'})`;
        return this.#within(`for i, v in ${list} do last = text(v)`, 'if i > 4 then break end end');
      }
      case 13:
        return this.#within('note(show({pcall(function()', `error(${random.pick(VALUES)}) end)}))`);
      default:
        return this.#noted('redis.pcall');
    }
  }

  #within(head: string, end: string): string {
    this.#depth++;
    const count = 1 + this.#random.below(3);
    const body = Array.from({ length: count }, () => this.#statement()).join('\n');
    this.#depth--;
    return `${head} ${body} ${end}`;
  }

  #protected(): string {
    const words = this.#words();
    const shown = UNORDERED.test(words[0]!.slice(1, -1).toUpperCase()) ? 'bag(e)' : 'e';
    return `local ok, e = pcall(redis.call, ${words.join(', ')}) note(ok) note(show(${shown}))`;
  }

  #noted(how: string): string {
    const note = this.#random.pick(['raw(last)', 'raw(last)', 'show(last)', 'type(last)']);
    return `last = ${this.#result(how)} note(${note})`;
  }

  /** A call of a command; its reply in an order. */
  #result(how: string): string {
    const words = this.#words();
    const call = `${how}(${words.join(', ')})`;
    return UNORDERED.test(words[0]!.slice(1, -1).toUpperCase()) ? `bag(${call})` : call;
  }

  /** A command as Lua expressions. */
  #words(): string[] {
    for (let i = 0; i < TRIES; i++) {
      const words = this.#command();
      if (!isFit(words)) continue;
      const isTimed = TIMED.test(words[0]!);
      return words.map((word, at) => this.#expression(word, at, isTimed));
    }
    return ["'PING'"];
  }

  #expression(word: string, at: number, isTimed: boolean): string {
    const random = this.#random;
    if (at === 0) return literal(random.oneIn(4) ? word.toLowerCase() : word);
    if (KEY.test(word)) return this.#key(word);
    if (random.oneIn(120)) return random.pick(['true', 'nil', '{}', 'print']);
    // Nor may an argument of another script become a deadline.
    if (isTimed) return literal(word);
    if (random.oneIn(12)) return random.pick(['text(last)', 'n', 'n / 2', 'ARGV[1] or 1']);
    // Lua 5.1 keeps one constant for 0 and -0.
    if (/^(?!-0(\.0*)?$)-?(0|[1-9]\d{0,14})(\.\d{1,3})?$/.test(word) && random.oneIn(2))
      return word;
    if (random.oneIn(4)) {
      this.#args.push(word);
      return `ARGV[${this.#args.length}]`;
    }
    return literal(word);
  }

  #key(word: string): string {
    const random = this.#random;
    const key = tagged(word, random);
    const at = this.#keys.indexOf(key);
    if (at >= 0) return `KEYS[${at + 1}]`;
    if (random.oneIn(2)) return literal(key);
    this.#keys.push(key);
    return `KEYS[${this.#keys.length}]`;
  }
}

const SHEBANGS = ['', 'flags=no-writes', 'flags=allow-oom,no-cluster', 'flags=x', 'name=a', 'x'];
const VALUES = [
  'nil',
  'n / 3',
  '-0.9',
  '2 ^ 53',
  '1e300',
  'true',
  'false',
  "'a\\0b\\r\\n'",
  '{}',
  '{1, nil, 3}',
  '{ok = "fi\\nne"}',
  '{err = "OOPS no"}',
  'redis.error_reply("x y")',
  '{double = 0.1}',
  '{big_number = "12345678901234567890"}',
  '{verbatim_string = {format = "txt", string = "s"}}',
  '{map = {a = {1, 2}}}',
  '{set = {b = true}}',
];

/** Names of keys that programs use. */
const KEY = /^([slehbgpxz]\d|\{tag\}.|k\0\xff)$/;

/** A key of the scripts' hash tag: the one that other commands use as well, or one beside it. */
function tagged(word: string, random: SeededRandom): string {
  if (word.startsWith('{tag}')) return word;
  return `{tag}${random.oneIn(2) ? word[0] : word}`;
}

function isFit(words: readonly string[]): boolean {
  const name = words[0]!.toUpperCase();
  if (UNFIT.test(name)) return false;
  // An empty word may be a key, and that would be one without the tag.
  if (words.includes('')) return false;
  if (/^B[LRZ]/.test(name)) return !words.some((word) => ODD_TIMEOUT.test(word));
  if (/^Z(REV)?RANK$/.test(name)) return words.length <= 3;
  if (name !== 'XREAD') return true;
  const at = words.findIndex((word) => word.toUpperCase() === 'STREAMS');
  // In scripts 7.0 knows no BLOCK.
  const blocks = words.some((word) => word.toUpperCase() === 'BLOCK');
  return at > 0 && (words.length - at) % 2 === 1 && !blocks;
}

function literal(word: string): string {
  const escaped = word.replace(
    /[^ !#-&(-[\]-~]/g,
    (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`,
  );
  return `'${escaped}'`;
}
