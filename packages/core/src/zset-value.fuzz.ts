/**
 * Random operations on a sorted set, small, large and on its way from one to the other, against an
 * array of pairs. Every run ends with the set freed, at once or in slices, and the arena empty.
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { defaultEngineSettings } from './engine-settings.ts';
import { ZSET } from './entry.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { VALUE_FREERS, VALUE_SLICERS } from './keyspace.ts';
import { RandomSource } from './random-source.ts';
import { type MemberBound, ZSET_BYTES, ZsetValue } from './zset-value.ts';

interface Pair {
  readonly member: string;
  score: number;
}

const SCORES = [
  0,
  1,
  2,
  -1,
  0.1,
  -0.25,
  1e300,
  5e-324,
  2 ** 53,
  2 ** 61,
  1e17,
  Infinity,
  -Infinity,
];
const AT = 3;

function compare(a: Pair, b: Pair): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return a.member < b.member ? -1 : a.member > b.member ? 1 : 0;
}

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly settings = defaultEngineSettings();
  readonly page = Block.allocate(ZSET_BYTES + AT);
  readonly zset = new ZsetValue();
  readonly reply = new ReplyWriter(4096);
  readonly pairs: Pair[] = [];
  readonly #members: number;
  #isUniform: boolean;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.settings.zsetMaxListpackEntries = [128, 10, 0, 600][this.random.below(4)];
    this.#members = [30, 150, 1000][this.random.below(3)];
    this.#isUniform = this.random.below(3) === 0;
    this.zset.createAt(this.arena, this.page, AT, this.settings);
  }

  #score(): number {
    const { random } = this;
    if (this.#isUniform) return 1;
    if (random.below(4) === 0) return SCORES[random.below(SCORES.length)];
    return random.below(2) === 0 ? random.below(100) : random.below(1000) / 8 - 50;
  }

  #member(): string {
    const { random } = this;
    if (random.below(500) === 0) return 'long'.repeat(17 + random.below(100));
    const i = random.below(this.#members);
    if (i % 3 === 0) return String(i - 100);
    return i % 50 === 1 ? String(2n ** 60n + BigInt(i)) : `member:${i}`;
  }

  #find(member: string): number {
    return this.pairs.findIndex((pair) => pair.member === member);
  }

  add(): void {
    const { pairs, zset } = this;
    const member = this.#member();
    const score = this.#score();
    const at = this.#find(member);
    const isNew = zset.add(score, Block.of(`.${member}`), 1, member.length);
    invariant(isNew === at < 0, 'add is wrong about what is new');
    if (at < 0) pairs.push({ member, score });
    else pairs[at].score = score;
    pairs.sort(compare);
  }

  ask(): void {
    const { pairs, zset } = this;
    const member = this.#member();
    const at = this.#find(member);
    const block = Block.of(`.${member}`);
    invariant(zset.rankOf(block, 1, member.length) === at, 'a wrong rank');
    const score = zset.scoreOf(block, 1, member.length);
    invariant(Object.is(score, at < 0 ? Number.NaN : pairs[at].score), 'a wrong score');
  }

  remove(): void {
    const member = this.#member();
    const at = this.#find(member);
    const isGone = this.zset.remove(Block.of(`.${member}`), 1, member.length);
    invariant(isGone === at >= 0, 'remove is wrong about what was there');
    if (at >= 0) this.pairs.splice(at, 1);
  }

  removeRange(): void {
    const { pairs, random, zset } = this;
    const from = random.below(pairs.length + 1);
    const count = Math.min(pairs.length - from, random.below(random.below(3) === 0 ? 500 : 5));
    zset.removeRange(from, count);
    pairs.splice(from, count);
  }

  /** Compares the pairs of a span, walked in one direction, with the model's. */
  #expect(from: number, count: number, isForward: boolean): void {
    const { pairs, reply, zset } = this;
    let isHere = zset.seek(isForward ? from : from + count - 1);
    for (let i = 0; i < count; i++) {
      const pair = pairs[isForward ? from + i : from + count - 1 - i];
      invariant(isHere && zset.score === pair.score, 'a wrong score in a range');
      reply.reset();
      zset.replyMember(reply);
      const text = reply.block.bytes.latin1Slice(0, reply.position);
      invariant(text === `$${pair.member.length}\r\n${pair.member}\r\n`, 'a wrong member');
      isHere = isForward ? zset.stepForward() : zset.stepBackward();
    }
  }

  range(): void {
    const { pairs, random } = this;
    const from = random.below(pairs.length + 1);
    const count = Math.min(pairs.length - from, random.below(200));
    this.#expect(from, count, random.below(2) === 0);
  }

  byScore(): void {
    const { pairs, random, zset } = this;
    const [least, most] = [this.#score(), this.#score()];
    const [excludesLeast, excludesMost] = [random.below(2) === 0, random.below(2) === 0];
    const found = pairs.filter(
      ({ score }) =>
        (excludesLeast ? score > least : score >= least) &&
        (excludesMost ? score < most : score <= most),
    );
    const count = zset.spanByScore(least, excludesLeast, most, excludesMost);
    invariant(count === found.length, `a span of ${count} scores, not ${found.length}`);
    invariant(count === 0 || pairs[zset.from] === found[0], 'a span begins elsewhere');
  }

  #bound(): MemberBound & { text: string } {
    const { random } = this;
    const text = this.#member().slice(0, random.below(2) === 0 ? 3 : undefined);
    const infinity = ([-1, 1, 0, 0, 0, 0, 0, 0] as const)[random.below(8)];
    const isExclusive = random.below(2) === 0;
    return { text, infinity, block: Block.of(text), offset: 0, length: text.length, isExclusive };
  }

  byMember(): void {
    const { pairs, random, zset } = this;
    if (!this.#isUniform) return;
    const [least, most] = [this.#bound(), this.#bound()];
    const isFrom = (member: string): boolean =>
      least.infinity < 0 ||
      (least.infinity === 0 && member > least.text) ||
      (least.infinity === 0 && member === least.text && !least.isExclusive);
    const isUpTo = (member: string): boolean =>
      most.infinity > 0 ||
      (most.infinity === 0 && member < most.text) ||
      (most.infinity === 0 && member === most.text && !most.isExclusive);
    const found = pairs.filter(({ member }) => isFrom(member) && isUpTo(member));
    const count = zset.spanByMember(least, most, random.below(2) === 0);
    invariant(count === found.length, `a span of ${count} members, not ${found.length}`);
    invariant(count === 0 || pairs[zset.from] === found[0], 'a span begins elsewhere');
  }

  scan(): void {
    const { zset } = this;
    const seen = new Map<string, number>();
    for (let cursor = 0; cursor >= 0; ) {
      cursor = zset.scan(cursor, 10, (score) => {
        const from = zset.memberOffset;
        const member = zset.memberBlock.bytes.latin1Slice(from, from + zset.memberLength);
        seen.set(member, score);
      });
    }
    invariant(seen.size === this.pairs.length, 'a scan misses members');
    for (const { member, score } of this.pairs) {
      invariant(seen.get(member) === score, 'a scan tells a wrong score');
    }
  }

  step(): void {
    const kind = this.random.below(100);
    this.zset.openAt(this.arena, this.page, AT, this.settings);
    if (kind < 45) this.add();
    else if (kind < 60) this.remove();
    else if (kind < 62) this.removeRange();
    else if (kind < 72) this.ask();
    else if (kind < 80) this.range();
    else if (kind < 90) this.byScore();
    else if (kind < 98) this.byMember();
    else this.scan();
    invariant(this.zset.length === this.pairs.length, 'a wrong length');
  }
}

export function fuzzZsetValue(seed: number, steps: number): void {
  const model = new Model(seed);
  const { arena, page, zset } = model;
  for (let step = 0; step < steps; step++) {
    model.step();
    if (step % 20 === 0) zset.verify();
  }
  zset.verify();
  if (model.random.below(2) === 0) {
    VALUE_FREERS[ZSET]?.(arena, page, AT);
  } else {
    const slicer = VALUE_SLICERS[ZSET];
    invariant(slicer !== undefined, 'no slicer');
    do slicer.freeParts(arena, page, AT, 7);
    while (slicer.parts(arena, page, AT) > 0);
  }
  invariant(arena.usedBytes === 0, `${arena.usedBytes} bytes are left`);
  invariant(arena.tableBytes === 0, `${arena.tableBytes} bytes of tables are left`);
  invariant(arena.structures.size === 0, 'a structure is left');
  arena.verify();
}

runFuzzer(import.meta, 2000, fuzzZsetValue);
