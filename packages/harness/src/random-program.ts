/**
 * Random programs from the command table: every command of the chosen groups, its arguments made
 * from the row's syntax, so a new row is fuzzed without a change here.
 *
 * Few keys, so that commands meet each other's values; a key's name leans to a type, so that most
 * commands find their own and some find another's. Deadlines are far away or long past, so that no
 * reply depends on the clock. Wrong numbers, missing and superfluous words come now and then: the
 * texts of errors and their order are part of what is compared.
 */

import {
  type Argument,
  COMMAND_METADATA,
  type CommandMetadata,
  parseSyntax,
} from '@hashlane/core/metadata';
import type { SeededRandom } from './seeded-random.ts';
import { VOCABULARIES } from './vocabulary.ts';

/** Databases that programs use. */
export const PROGRAM_DATABASES = 4;

/**
 * Left out: replies that may differ, commands about the process, and internal ones. DUMP is there
 * where a RESTORE follows it.
 */
const LEFT_OUT =
  /^(SCAN|DEBUG.*|OBJECT.(FREQ|IDLETIME|HELP)|SHUTDOWN|WAIT|DUMP|MEMORY.PURGE|HASHLANE.*)$/;
/** Left out: deadlines of fields, which redis-server 7.0 does not have. */
const NEWER = /^H(P?EXPIRE(AT|TIME)?|P?TTL|PERSIST|GETDEL|GETEX|SETEX)$/;

interface Row {
  readonly words: readonly string[];
  readonly syntax: readonly Argument[];
  readonly group: string;
  readonly weight: number;
}

const ROWS: readonly Row[] = COMMAND_METADATA.filter(isUsed).map((row) => ({
  words: row.name.split('|'),
  syntax: parseSyntax(row.syntax),
  group: row.group,
  weight: VOCABULARIES[row.group]?.weights?.[row.name] ?? 4,
}));

/** Of these are the commands within scripts. */
const SCRIPTED_ROWS = ROWS.filter(({ group }) => group !== 'scripting' && group !== 'server');

function isUsed({ name, group }: CommandMetadata): boolean {
  return VOCABULARIES[group] !== undefined && !LEFT_OUT.test(name) && !NEWER.test(name);
}

/** `length` commands, each as its words; of the named groups only, if there are any. */
export function randomProgram(
  random: SeededRandom,
  length: number,
  groups: readonly string[] = [],
): string[][] {
  const rows = groups.length === 0 ? ROWS : ROWS.filter(({ group }) => groups.includes(group));
  return Array.from({ length }, () => randomCommand(random, rows));
}

function randomCommand(random: SeededRandom, rows: readonly Row[]): string[] {
  if (random.oneIn(40)) return ['SELECT', String(random.below(PROGRAM_DATABASES))];
  const row = pickRow(random, rows);
  const words = [...row.words, ...new ArgumentMaker(random, row.group).all(row.syntax)];
  if (random.oneIn(60)) words.push(random.pick(SPLINTERS));
  if (random.oneIn(60) && words.length > row.words.length) words.pop();
  const another = (): string[] => randomCommand(random, SCRIPTED_ROWS);
  return VOCABULARIES[row.group]?.fit?.(words, random, another) ?? words;
}

function pickRow(random: SeededRandom, rows: readonly Row[]): Row {
  const sum = rows.reduce((total, { weight }) => total + weight, 0);
  let left = (random.below(1_000_000) / 1_000_000) * sum;
  for (const row of rows) {
    left -= row.weight;
    if (left < 0) return row;
  }
  return rows[0]!;
}

const SPLINTERS = ['x', '', 'NX', 'XX', 'GET', 'COUNT', '1', '-1', 'LEFT', 'REPLACE', 'DB'];
const KEYS = [...Object.values(VOCABULARIES).flatMap(({ keys }) => keys), '', 'k\x00\xff'];
const INTEGERS = ['0', '1', '2', '3', '-1', '-2', '-3', '5', '10', '-10', '100'];
const ODD_INTEGERS = [
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '2147483648',
  '1.5',
  'x',
  '',
  '01',
  '+1',
  ' 1',
  '4294967296',
  '-2147483649',
];
const DOUBLES = ['1.5', '0.1', '-2.25', '1e3', '3', '-0.5', '1e-5', '123456.789', '0'];
const ODD_DOUBLES = ['nan', 'inf', '-inf', 'x', '', '1e400', '0x10', ' 1'];
/** 0x0.01 is 1/256 s. None may wait for long. */
const ODD_TIMEOUTS = ['nan', 'inf', '-inf', 'x', '', '1e400', ' 1', '-1', '-0.5', '0x0.01', '1e-3'];
const VALUES = [
  'a',
  'b',
  'c',
  '1',
  '2',
  '-7',
  '10',
  '123456',
  '1.5',
  '',
  'hello world',
  'ohmytext',
  'mynewtext',
  '9223372036854775806',
  '-9223372036854775808',
  '127',
  '128',
  '4096',
  '32768',
  '\x00\r\n\xff',
];

class ArgumentMaker {
  readonly #random: SeededRandom;
  readonly #group: string;

  constructor(random: SeededRandom, group: string) {
    this.#random = random;
    this.#group = group;
  }

  all(list: readonly Argument[]): string[] {
    // A count of keys is known when the keys are there: the rest is made first.
    const counted = list.findIndex(({ name }) => name === 'numkeys');
    if (counted < 0) return list.flatMap((each) => this.#oneOrMore(each));
    const before = list.slice(0, counted).flatMap((each) => this.#oneOrMore(each));
    const keys = this.#oneOrMore(list[counted + 1]!);
    const after = list.slice(counted + 2).flatMap((each) => this.#oneOrMore(each));
    const count = this.#random.oneIn(30) ? this.#integer() : String(keys.length);
    return [...before, count, ...keys, ...after];
  }

  #oneOrMore(argument: Argument): string[] {
    const random = this.#random;
    if (argument.isOptional && !random.oneIn(3)) return [];
    const times = argument.isMultiple ? 1 + random.below(random.oneIn(4) ? 12 : 3) : 1;
    const { token, type } = argument;
    const words: string[] = [];
    for (let i = 0; i < times; i++) {
      const isNamed = token !== undefined && type !== 'pure-token';
      if (isNamed && (i === 0 || argument.isMultipleToken)) words.push(this.#cased(token));
      words.push(...this.#one(argument));
    }
    return words;
  }

  #one(argument: Argument): string[] {
    const { arguments: parts = [], name, token = '', type } = argument;
    switch (type) {
      case 'pure-token':
        return [this.#cased(token)];
      case 'oneof':
        return this.#oneOrMore({ ...this.#random.pick(parts), isOptional: false });
      case 'block':
        return this.all(parts);
      case 'key':
        return [this.#key()];
      case 'pattern':
        return [this.#random.pick(['*', 's*', 'l?', '[ls]1', 'none', '\\s1', '{tag}*'])];
      default:
        return [this.#word(name, type)];
    }
  }

  #cased(token: string): string {
    return this.#random.oneIn(8) ? token.toLowerCase() : token;
  }

  #key(): string {
    const random = this.#random;
    if (random.oneIn(6)) return random.pick(KEYS);
    const own = VOCABULARIES[this.#group]?.keys ?? [];
    return random.pick(own.length > 0 ? own : KEYS);
  }

  #word(name: string, type: string): string {
    const random = this.#random;
    const word = VOCABULARIES[this.#group]?.word?.(name, random);
    if (word !== undefined) return word;
    if (name === 'timeout') return random.oneIn(6) ? random.pick(ODD_TIMEOUTS) : '0.005';
    if (name === 'seconds') return this.#far('500000', '0', '-1');
    if (name === 'milliseconds') return this.#far('500000000', '0', '-1');
    if (/unix-time/.test(name)) return this.#moment(/milli/.test(name));
    if (/db$|^index[12]$/.test(name)) return this.#database();
    if (type === 'double') return random.pick(random.oneIn(10) ? ODD_DOUBLES : DOUBLES);
    if (/^(rank|len|num-matches|min-match-len)$/.test(name)) return this.#integer();
    return type === 'integer' ? this.#integer() : this.#value();
  }

  /** A far deadline, sometimes an odd one. */
  #far(far: string, ...odd: readonly string[]): string {
    const random = this.#random;
    if (random.oneIn(12)) return random.pick(ODD_INTEGERS);
    return random.oneIn(6)
      ? random.pick(odd)
      : String(BigInt(far) + BigInt(random.below(9)) * 100n);
  }

  /** A time far away; a past one only where Redis deletes the key at once, which SET does not. */
  #moment(isMilliseconds: boolean): string {
    const far = isMilliseconds ? '33000000000000' : '33000000000';
    if (this.#group !== 'string') return this.#far(far, '1', '0');
    return this.#random.oneIn(12) ? this.#random.pick(['0', '-1', 'x', '', '1.5']) : far;
  }

  #database(): string {
    const random = this.#random;
    if (random.oneIn(12)) return random.pick(['99', '-1', 'x', '']);
    return String(random.below(PROGRAM_DATABASES));
  }

  #integer(): string {
    return this.#random.pick(this.#random.oneIn(15) ? ODD_INTEGERS : INTEGERS);
  }

  #value(): string {
    const random = this.#random;
    if (random.oneIn(30)) return 'x'.repeat(40 + random.below(100));
    if (random.oneIn(100)) return 'y'.repeat(8000 + random.below(1000));
    return random.pick(VALUES);
  }
}
