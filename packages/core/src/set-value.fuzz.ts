/**
 * Random changes of a set against a JavaScript Set, in all forms and with small and large thresholds.
 * The model knows Redis's rules for the form, told in another way: from what the set held when it
 * changed. Every run ends with the set freed, at once or in slices, and the arena empty.
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { SET } from './entry.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { VALUE_SLICERS } from './keyspace.ts';
import { parseBigInteger } from './number-text.ts';
import { RandomSource } from './random-source.ts';
import { Member } from './set-member.ts';
import { SET_BYTES, type SetEncoding, type SetLimits, SetValue } from './set-value.ts';

/** A descriptor needs no alignment. */
const DESCRIPTOR_AT = 3;

const LIMITS: readonly SetLimits[] = [
  { setMaxIntsetEntries: 512, setMaxListpackEntries: 128, setMaxListpackValue: 64 },
  { setMaxIntsetEntries: 20, setMaxListpackEntries: 10, setMaxListpackValue: 12 },
  { setMaxIntsetEntries: 5, setMaxListpackEntries: 50, setMaxListpackValue: 20 },
  { setMaxIntsetEntries: 0, setMaxListpackEntries: 0, setMaxListpackValue: 0 },
  { setMaxIntsetEntries: 3000, setMaxListpackEntries: 100, setMaxListpackValue: 100 },
];

/** What random members look like: from how many, and how. */
const KINDS = ['integers', 'wide', 'texts', 'mixed', 'many'] as const;
type Kind = (typeof KINDS)[number];

class Run {
  readonly #random: RandomSource;
  readonly #arena = new Arena();
  readonly #page = Block.allocate(SET_BYTES + DESCRIPTOR_AT);
  readonly #limits: SetLimits;
  readonly #kind: Kind;
  readonly #value = new SetValue();
  readonly #member = new Member();
  readonly #reply = new ReplyWriter(1024);
  readonly #model = new Set<string>();
  #encoding: SetEncoding;

  constructor(random: RandomSource) {
    this.#random = random;
    this.#limits = LIMITS[random.below(LIMITS.length)];
    this.#kind = KINDS[random.below(KINDS.length)];
    this.#encoding = (['intset', 'listpack', 'hashtable'] as const)[random.below(3)];
    this.#value.initializeAt(this.#arena, this.#page, DESCRIPTOR_AT, this.#limits, this.#encoding);
  }

  #text(): string {
    const random = this.#random;
    const roll = random.below(10);
    switch (this.#kind) {
      case 'integers':
        return String(random.below(700) - 350);
      case 'wide':
        return String(this.#wide(roll));
      case 'texts':
        return 'abcdefghijklmnop'.slice(random.below(16)) + random.below(20);
      case 'many':
        return `member:${random.below(20_000)}`;
      default:
        if (roll < 6) return String(random.below(60) - 30);
        if (roll === 6)
          return ['', '01', '-0', '+1', '9223372036854775808', '1.0'][random.below(6)];
        return 'x'.repeat(random.below(roll === 9 ? 90 : 15));
    }
  }

  #wide(roll: number): bigint {
    const random = this.#random;
    if (roll < 5) return BigInt(random.below(200));
    const power = 2n ** BigInt([15, 16, 31, 32, 52, 53, 63][random.below(7)]);
    const value = BigInt(random.below(5) - 2) + (roll < 8 ? power : -power);
    return BigInt.asIntN(64, value);
  }

  #point(text: string): Member {
    return this.#member.set(Block.of(`..${text}.`), 2, text.length);
  }

  step(): void {
    const random = this.#random;
    this.#value.openAt(this.#arena, this.#page, DESCRIPTOR_AT, this.#limits);
    const roll = random.below(100);
    // The size swings, so that sets grow and shrink in every form.
    const target = this.#kind === 'many' ? 6000 : 200;
    const grows = random.below(2 * target) > this.#model.size;
    if (roll < 60) this.#addOrRemove(grows);
    else if (roll < 80) this.#ask();
    else if (roll < 84) this.#pop();
    else if (roll < 88) this.#sample(roll < 86 && this.#model.size < 300);
    else if (roll === 88) this.#expect();
    else if (roll === 89 && this.#model.size < 300) this.#pack();
    else if (roll === 90) this.#scan();
    else this.#addOrRemove(true);
    if (roll >= 88) this.check();
  }

  #addOrRemove(adds: boolean): void {
    const text = this.#text();
    if (!adds) {
      const member = this.#removable(text);
      const isHere = this.#model.delete(member);
      invariant(this.#value.remove(this.#point(member)) === isHere, 'remove answers wrong');
      return;
    }
    const isNew = !this.#model.has(text);
    const before = this.#model.size;
    if (isNew && this.#random.below(4) === 0) this.#value.addAbsent(this.#point(text));
    else invariant(this.#value.add(this.#point(text)) === isNew, 'add answers wrong');
    this.#model.add(text);
    if (isNew) this.#encoding = this.#encodingAfter(text, before);
  }

  /** A text that is likely to be there. */
  #removable(text: string): string {
    if (this.#random.below(5) === 0 || this.#model.has(text)) return text;
    const [first = text] = this.#model;
    return first;
  }

  /** The form after a new member came to `before` others. */
  #encodingAfter(text: string, before: number): SetEncoding {
    const { setMaxIntsetEntries, setMaxListpackEntries, setMaxListpackValue } = this.#limits;
    if (this.#encoding === 'hashtable') return 'hashtable';
    if (this.#encoding === 'intset' && parseBigInteger(text) !== undefined) {
      return before + 1 > setMaxIntsetEntries ? 'hashtable' : 'intset';
    }
    const longest =
      this.#encoding === 'intset' ? Math.max(...[...this.#model].map((each) => each.length)) : 0;
    const isShort = Math.max(longest, text.length) <= setMaxListpackValue;
    return isShort && before < setMaxListpackEntries ? 'listpack' : 'hashtable';
  }

  #ask(): void {
    const text = this.#text();
    const isHere = this.#model.has(text);
    invariant(this.#value.has(this.#point(text)) === isHere, 'has answers wrong');
  }

  #pop(): void {
    if (this.#model.size === 0) return;
    const many = this.#random.below(2) === 0;
    const count = many ? Math.min(this.#random.below(5), this.#model.size - 1) : 1;
    this.#reply.reset();
    if (many) this.#value.popSample(this.#reply, this.#random, count);
    else this.#value.popRandom(this.#reply, this.#random);
    const popped = this.#replied();
    invariant(popped.length === count, 'pop replies too many or too few');
    for (const text of popped) invariant(this.#model.delete(text), 'popped what is not there');
  }

  #sample(isLarge: boolean): void {
    const { size } = this.#model;
    if (size === 0) return;
    const count = isLarge ? this.#random.below(size) : Math.min(size - 1, this.#random.below(4));
    this.#reply.reset();
    this.#value.writeSample(this.#reply, this.#random, count);
    const sample = this.#replied();
    invariant(sample.length === count, 'a sample of another size');
    invariant(new Set(sample).size === count, 'a member twice in a sample');
    for (const text of sample) invariant(this.#model.has(text), 'sampled what is not there');
    this.#reply.reset();
    this.#value.writeRandom(this.#reply, this.#random);
    invariant(this.#model.has(this.#replied()[0]), 'a random member that is not there');
  }

  /** The bulk strings of the reply. */
  #replied(): string[] {
    const { block, position } = this.#reply;
    const texts: string[] = [];
    for (let at = 0; at < position; ) {
      const lineEnd = block.bytes.indexOf('\r\n', at);
      const length = Number(block.bytes.latin1Slice(at + 1, lineEnd));
      texts.push(block.bytes.latin1Slice(lineEnd + 2, lineEnd + 2 + length));
      at = lineEnd + length + 4;
    }
    return texts;
  }

  #expect(): void {
    const { setMaxIntsetEntries, setMaxListpackEntries } = this.#limits;
    const count = this.#random.below(20) === 0 ? 100_000 : 3;
    this.#value.expect(count);
    const most = this.#encoding === 'intset' ? setMaxIntsetEntries : setMaxListpackEntries;
    if (count > most) this.#encoding = 'hashtable';
  }

  #pack(): void {
    for (const text of this.#model) if (parseBigInteger(text) === undefined) return;
    this.#value.packIntegers();
    if (this.#model.size <= this.#limits.setMaxIntsetEntries) this.#encoding = 'intset';
  }

  #scan(): void {
    const found: string[] = [];
    for (let cursor = 0; cursor >= 0; ) {
      cursor = this.#value.scan(cursor, 1 + this.#random.below(20), (member) => {
        found.push(textOf(member));
      });
    }
    this.#isModel(found, 'scan');
  }

  #isModel(texts: readonly string[], who: string): void {
    invariant(texts.length === this.#model.size, `${who} finds too many or too few`);
    for (const text of texts) invariant(this.#model.has(text), `${who} finds what is not there`);
    invariant(new Set(texts).size === texts.length, `${who} finds a member twice`);
  }

  check(): void {
    const value = this.#value.openAt(this.#arena, this.#page, DESCRIPTOR_AT, this.#limits);
    value.verify();
    invariant(value.size === this.#model.size, 'wrong size');
    invariant(value.encoding === this.#encoding, `${value.encoding}, not ${this.#encoding}`);
    const walked: string[] = [];
    for (value.restart(); value.next(this.#member); ) walked.push(textOf(this.#member));
    this.#isModel(walked, 'a walk');
    this.#reply.reset();
    value.writeAll(this.#reply);
    this.#isModel(this.#replied(), 'writeAll');
  }

  finish(): void {
    this.check();
    const slicer = VALUE_SLICERS[SET];
    invariant(slicer !== undefined, 'sets have no slicer');
    if (this.#encoding === 'hashtable' && this.#random.below(2) === 0) {
      while (slicer.parts(this.#arena, this.#page, DESCRIPTOR_AT) > 0) {
        slicer.freeParts(this.#arena, this.#page, DESCRIPTOR_AT, 1000);
      }
    } else {
      this.#value.free();
    }
    this.#arena.verify();
    invariant(this.#arena.usedBytes === 0, 'memory is left');
    invariant(this.#arena.tableBytes === 0, 'tables are left');
    invariant(this.#arena.structures.size === 0, 'objects are left');
  }
}

function textOf(member: Member): string {
  const { block, length, offset } = member.needText();
  return block.bytes.latin1Slice(offset, offset + length);
}

export function fuzzSetValue(seed: number, steps: number): void {
  const run = new Run(new RandomSource(seed));
  for (let step = 0; step < steps; step++) run.step();
  run.finish();
}

runFuzzer(import.meta, 2000, fuzzSetValue);
