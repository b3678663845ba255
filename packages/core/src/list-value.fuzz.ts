/**
 * Random operations on a list against an array of strings: elements from nothing to 100 KB,
 * integers of every width, binary; several list-max-listpack-size values, changed on the way.
 *
 * Every run ends with the list emptied, and the arena's used bytes back where they were.
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { LIST_BYTES, ListValue } from './list-value.ts';
import { encodeEntry, Needle } from './listpack.ts';
import { RandomSource } from './random-source.ts';

const FILLS = [-2, -2, -1, -3, -5, 1, 4, 128] as const;
const WIDTHS = [7n, 12n, 13n, 15n, 16n, 23n, 24n, 31n, 32n, 53n, 63n, 64n];

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly reply = new ReplyWriter(4096);
  readonly descriptor = Block.allocate(LIST_BYTES + 3);
  readonly list = new ListValue();
  readonly needle = new Needle();
  elements: string[] = [];
  fill: number;
  /** Small elements make long nodes, large ones make plain ones. */
  readonly isSmall: boolean;
  /** All elements of one length: mirrors without an index. */
  readonly isUniform: boolean;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.fill = FILLS[this.random.below(FILLS.length)];
    this.isUniform = this.random.below(8) === 0;
    this.isSmall = this.isUniform || this.random.below(2) === 0;
    this.open();
    this.list.initialize();
  }

  open(): void {
    this.list.openAt(this.arena, this.descriptor, 3, this.fill);
  }

  element(): string {
    const { random } = this;
    if (this.isUniform) return this.bytes(3);
    const kind = random.below(this.isSmall ? 12 : 16);
    if (kind < 4) return 'abcdef'.slice(random.below(6));
    if (kind < 6) return String(random.below(300));
    if (kind < 8) {
      const bits = WIDTHS[random.below(WIDTHS.length)];
      const edge = (1n << bits) - 2n + BigInt(random.below(4));
      return String(random.below(2) === 0 ? edge : -edge);
    }
    if (kind < 9) return ['007', '-0', '+1', ' 1', '1 ', '-', '00'][random.below(7)];
    if (kind < 12) return this.bytes(random.below(200));
    if (kind < 14) return this.bytes(random.below(5000));
    if (kind < 15) return this.bytes(random.below(20_000));
    return this.bytes(random.below(100_000));
  }

  bytes(length: number): string {
    const block = Buffer.alloc(length, this.random.next() & 0xff);
    for (let i = 0; i < Math.min(length, 8); i++) block[i] = this.random.next() & 0xff;
    return block.latin1Slice();
  }

  /** An element that is likely to be in the list. */
  known(): string {
    const { elements, random } = this;
    if (elements.length === 0 || random.below(8) === 0) return this.element();
    return elements[random.below(elements.length)];
  }

  /** Compares what `write` replies with bulk strings of these elements. */
  expect(elements: readonly string[], write: () => void): void {
    this.reply.reset();
    write();
    const wire = elements.map((element) => `$${element.length}\r\n${element}\r\n`).join('');
    const got = this.reply.block.bytes.latin1Slice(0, this.reply.position);
    invariant(got === wire, `replied ${got.slice(0, 200)} instead of ${wire.slice(0, 200)}`);
  }

  push(): void {
    const element = this.element();
    const source = Block.of(`..${element}`);
    if (this.random.below(2) === 0) {
      this.list.pushHead(source, 2, element.length);
      this.elements.unshift(element);
    } else {
      this.list.pushTail(source, 2, element.length);
      this.elements.push(element);
    }
  }

  /** A run of pushes at one side, perhaps with pops at the other: a queue. */
  queue(): void {
    const { random, list } = this;
    const atHead = random.below(2) === 0;
    const pops = random.below(2) === 0;
    for (let i = random.below(this.isSmall ? 400 : 30); i >= 0; i--) {
      const element = this.element();
      const source = Block.of(element);
      if (atHead) {
        list.pushHead(source, 0, element.length);
        this.elements.unshift(element);
      } else {
        list.pushTail(source, 0, element.length);
        this.elements.push(element);
      }
      if (pops) this.pop(!atHead);
    }
  }

  pop(atHead: boolean): void {
    if (this.elements.length === 0) return;
    const element = atHead ? this.elements.shift() : this.elements.pop();
    this.expect([element as string], () => {
      if (atHead) this.list.popHead(this.reply);
      else this.list.popTail(this.reply);
    });
  }

  replace(): void {
    if (this.elements.length === 0) return;
    const i = this.random.below(this.elements.length);
    const element = this.element();
    invariant(this.list.seek(i), 'no element at an index');
    this.list.replace(Block.of(element), 0, element.length);
    this.elements[i] = element;
  }

  insert(): void {
    if (this.elements.length === 0) return;
    const i = this.random.below(this.elements.length);
    const element = this.element();
    invariant(this.list.seek(i), 'no element at an index');
    const isAfter = this.random.below(2) === 0;
    if (isAfter) this.list.insertAfter(Block.of(element), 0, element.length);
    else this.list.insertBefore(Block.of(element), 0, element.length);
    this.elements.splice(isAfter ? i + 1 : i, 0, element);
  }

  trim(): void {
    const { length } = this.elements;
    const isHarsh = this.random.below(4) === 0;
    const from = this.random.below(isHarsh ? length + 1 : Math.min(length, 40) + 1);
    const tail = this.random.below(isHarsh ? length - from + 1 : Math.min(length - from, 40) + 1);
    this.list.trim(from, length - from - tail);
    this.elements = this.elements.slice(from, length - tail);
  }

  remove(): void {
    const element = this.known();
    const fromTail = this.random.below(2) === 0;
    const most = this.random.below(3) === 0 ? this.elements.length : this.random.below(4);
    let removed = 0;
    const keep = (candidate: string): boolean => {
      if (candidate !== element || removed >= most) return true;
      removed++;
      return false;
    };
    if (fromTail) this.elements = this.elements.reverse().filter(keep).reverse();
    else this.elements = this.elements.filter(keep);
    const got = this.list.remove(this.find(element), most, fromTail);
    invariant(got === removed, `removed ${got} instead of ${removed}`);
  }

  find(element: string): Needle {
    return this.needle.set(Block.of(element), 0, element.length);
  }

  search(): void {
    const element = this.known();
    const needle = this.find(element);
    let at = 0;
    let isHere = this.list.seek(0);
    while (isHere && !this.list.matches(needle)) {
      at++;
      isHere = this.list.stepForward();
    }
    invariant((isHere ? at : -1) === this.elements.indexOf(element), 'found another first match');
    at = this.elements.length - 1;
    isHere = this.list.seek(at);
    while (isHere && !this.list.matches(needle)) {
      at--;
      isHere = this.list.stepBackward();
    }
    const last = this.elements.lastIndexOf(element);
    invariant((isHere ? at : -1) === last, 'found another last match');
  }

  range(): void {
    const { length } = this.elements;
    if (length === 0) return;
    const from = this.random.below(length);
    const count =
      1 + this.random.below(Math.min(this.random.below(2) === 0 ? 20 : 600, length - from));
    const expected = this.elements.slice(from, from + count);
    // Three times: encoded on the fly, through a new mirror, through a mirror.
    for (let i = 0; i < 3; i++)
      this.expect(expected, () => this.list.range(this.reply, from, count));
    const index = this.random.below(length);
    this.expect([this.elements[index]], () => this.list.replyAt(this.reply, index));
  }

  append(): void {
    const count = 1 + this.random.below(300);
    const block = Block.allocate(count * 220 + 300_000);
    let end = 5;
    let added = 0;
    for (; added < count && end < 200_000; added++) {
      const element = this.element();
      end = encodeEntry(block, end, Block.of(element), 0, element.length);
      this.elements.push(element);
    }
    this.list.appendPacked(block, 5, end - 5, added);
  }

  step(): void {
    const kind = this.random.below(100);
    this.open();
    if (kind < 30) this.push();
    else if (kind < 50) this.pop(this.random.below(2) === 0);
    else if (kind < 58) this.replace();
    else if (kind < 68) this.insert();
    else if (kind < 74) this.remove();
    else if (kind < 80) this.search();
    else if (kind < 92) this.range();
    else if (kind < 95) this.queue();
    else if (kind < 98) this.trim();
    else if (kind < 99 && this.elements.length < 3000) this.append();
    else if (this.random.below(10) === 0) this.fill = FILLS[this.random.below(FILLS.length)];
  }

  check(): void {
    this.list.verify();
    this.arena.verify();
    invariant(this.list.length === this.elements.length, 'the length differs');
  }
}

export function fuzzListValue(seed: number, steps: number): void {
  const model = new Model(seed);
  const lengthMax = model.isSmall ? 8000 : 600;
  for (let step = 0; step < steps; step++) {
    model.step();
    if (model.elements.length > lengthMax) model.trim();
    if (step % 8 === 0) model.check();
  }
  model.check();
  if (model.elements.length > 0) {
    model.expect(model.elements, () => model.list.range(model.reply, 0, model.elements.length));
  }
  while (model.elements.length > 0) model.pop(seed % 2 === 0);
  model.check();
  invariant(model.arena.usedBytes === 0, `${model.arena.usedBytes} bytes are left`);
  invariant(model.arena.mirrors.bytes === 0, 'mirrors are left');
}

runFuzzer(import.meta, 3000, fuzzListValue);
