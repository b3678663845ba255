/**
 * Random changes and questions of an order tree against a sorted array. Every run ends with all
 * items removed, the tree freed and the arena empty.
 */
import { Block } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { ITEM_LENGTH, ITEM_MEMBER, ITEM_SCORE, OrderTree } from './order-tree.ts';
import { RandomSource } from './random-source.ts';

interface Item {
  reference: number;
  score: number;
  readonly member: string;
}

const ODD_SCORES = [-Infinity, Infinity, 0, 1, -1, 1e300, -1e300, 0.1];

function compare(a: Item, b: Item): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return a.member < b.member ? -1 : a.member > b.member ? 1 : 0;
}

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly tree = new OrderTree(this.arena);
  readonly items: Item[] = [];
  readonly #scores: number;
  #next = 0;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    // Few scores make many equal ones, where members decide.
    this.#scores = [1, 5, 1000, 1e6][this.random.below(4)];
  }

  #score(): number {
    const { random } = this;
    if (random.below(30) === 0) return ODD_SCORES[random.below(ODD_SCORES.length)];
    return random.below(this.#scores) / (random.below(2) + 1);
  }

  #place(item: Item): number {
    const at = this.items.findIndex((each) => compare(each, item) >= 0);
    return at < 0 ? this.items.length : at;
  }

  insert(score: number): void {
    const { arena, random } = this;
    // Unique, of various lengths, with common beginnings.
    const member = `${'mmmm'.slice(random.below(5))}${random.below(50)}:${this.#next++}`;
    const reference = arena.allocate(ITEM_MEMBER + member.length);
    const page = arena.pages[pageOf(reference)];
    page.view.setFloat64(offsetOf(reference) + ITEM_SCORE, score, true);
    page.view.setInt32(offsetOf(reference) + ITEM_LENGTH, member.length, true);
    page.bytes.latin1Write(member, offsetOf(reference) + ITEM_MEMBER);
    const item = { reference, score, member };
    this.items.splice(this.#place(item), 0, item);
    this.tree.insert(reference);
  }

  remove(rank: number, count: number): void {
    const gone = this.items.splice(rank, count);
    if (count === 1) {
      this.tree.remove(gone[0].reference);
      this.arena.free(gone[0].reference);
      return;
    }
    let seen = 0;
    this.tree.removeRange(rank, count, (item) => {
      invariant(gone[seen++].reference === item, 'a wrong item is removed');
      this.arena.free(item);
    });
    invariant(seen === count, 'too few items are removed');
  }

  change(rank: number): void {
    const [item] = this.items.splice(rank, 1);
    const isNear = this.random.below(2) === 0;
    item.score = isNear ? item.score + (this.random.below(3) - 1) / 4 : this.#score();
    this.tree.changeScore(item.reference, item.score);
    this.items.splice(this.#place(item), 0, item);
  }

  /** A run of insertions in order, as of time stamps; perhaps with removals at the front. */
  queue(): void {
    const { items, random } = this;
    const count = random.below(300);
    const isRising = random.below(3) > 0;
    const pops = random.below(2) === 0;
    let score = isRising ? (items.at(-1)?.score ?? 0) : (items[0]?.score ?? 0);
    for (let i = 0; i < count; i++) {
      score += isRising ? random.below(3) : -random.below(3);
      this.insert(score);
      if (pops) this.remove(0, 1);
    }
  }

  ask(): void {
    const { items, random, tree } = this;
    if (items.length === 0) return;
    const rank = random.below(items.length);
    const item = items[rank];
    invariant(tree.rankOf(item.reference) === rank, 'a wrong rank');
    const score = random.below(2) === 0 ? item.score : this.#score();
    const below = items.filter((each) => each.score < score).length;
    invariant(tree.rankOfScore(score, false) === below, 'a wrong lower bound');
    const upTo = items.filter((each) => each.score <= score).length;
    invariant(tree.rankOfScore(score, true) === upTo, 'a wrong upper bound');
    tree.seek(rank);
    invariant(tree.item === item.reference && tree.score === item.score, 'seek misses');
    const isForward = random.below(2) === 0;
    let at = rank;
    for (let i = random.below(200); i >= 0; i--) {
      at += isForward ? 1 : -1;
      const isThere = isForward ? tree.stepForward() : tree.stepBackward();
      invariant(isThere === (at >= 0 && at < items.length), 'a wrong end');
      if (!isThere) break;
      invariant(tree.item === items[at].reference, 'a wrong neighbour');
    }
  }

  /** With one score in all, order is that of members. */
  askMembers(): void {
    const { items, random, tree } = this;
    if (items.length === 0 || items[0].score !== items[items.length - 1].score) return;
    const member =
      random.below(2) === 0
        ? items[random.below(items.length)].member
        : 'mm'.repeat(random.below(3));
    const below = items.filter((each) => each.member < member).length;
    const block = Block.of(`.${member}`);
    invariant(tree.rankOfMember(block, 1, member.length, false) === below, 'a wrong bound');
    const upTo = items.filter((each) => each.member <= member).length;
    invariant(tree.rankOfMember(block, 1, member.length, true) === upTo, 'a wrong bound');
  }

  step(sizeMax: number): void {
    const { items, random } = this;
    const kind = random.below(100);
    const shrinks = random.below(2 * sizeMax) < items.length;
    if (kind < 60 && !shrinks) this.insert(this.#score());
    else if (kind < 60 && items.length > 0) this.remove(random.below(items.length), 1);
    else if (kind < 75 && items.length > 0) this.change(random.below(items.length));
    else if (kind < 76) this.queue();
    else if (kind < 78 && items.length > 0 && (shrinks || kind === 76)) {
      const rank = random.below(items.length);
      const count = 1 + random.below(random.below(4) === 0 ? items.length - rank : 20);
      this.remove(rank, Math.min(count, items.length - rank));
    } else this.ask();
  }
}

export function fuzzOrderTree(seed: number, steps: number): void {
  const model = new Model(seed);
  const sizeMax = [20, 300, 4000, 12000][model.random.below(4)];
  for (let i = model.random.below(sizeMax); i > 0; i--) model.insert(model.random.below(1000));
  for (let step = 0; step < steps; step++) {
    model.step(sizeMax);
    if (step % 50 === 0) model.tree.verify();
  }
  model.tree.verify();
  for (let i = model.items.length - 1; i >= 0; i--) {
    model.tree.changeScore(model.items[i].reference, 7);
    model.items[i].score = 7;
  }
  model.items.sort(compare);
  model.tree.verify();
  for (let i = 0; i < 50; i++) model.askMembers();
  while (model.items.length > 0) {
    model.remove(model.random.below(model.items.length), 1);
    if (model.items.length % 500 === 0) model.tree.verify();
  }
  model.tree.free();
  invariant(model.arena.usedBytes === 0, `${model.arena.usedBytes} bytes are left`);
  model.arena.verify();
}

runFuzzer(import.meta, 1500, fuzzOrderTree);
