/**
 * A sorted set: members with scores, in the order of (score, member).
 *
 *   descriptor ┌ reference, int32 ┬ entries, int32 ┐    small: PackedValue of member, score, …
 *              └ slot, int32      ┴ −1, int32      ┘    large: a ScoredMembers in arena.structures
 *
 * Small up to zset-max-listpack-entries members of up to zset-max-listpack-value bytes: a run of
 * listpack entries, found by walking. Large: a ByteMap from member to item and an OrderTree over the
 * same items (order-tree.ts). A large set stays large, as in Redis.
 *
 * A ZsetValue is a reused view: `open` it on an entry, and do not keep it over a command. `find`
 * comes before `setFound`, `removeFound` and `rankOfFound`, and before `insertMissing` when it
 * found nothing. `seek` puts a cursor on a rank; changes make cursor and found member void. All
 * ranges are spans of ranks: `spanByScore` and `spanByMember` turn bounds into them.
 *
 * Costs: large O(1) to find, O(log n) for the rest; small O(bytes), which the thresholds bound. The
 * member's bytes in calls must not be those of this set, except where they come from its cursor.
 */
import { Block, copyBytes, type ReplyWriter } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { ByteMap } from './byte-map.ts';
import type { EngineSettings } from './engine-settings.ts';
import { valueOffset, ZSET } from './entry.ts';
import { hashBytes } from './hash.ts';
import { invariant } from './invariant.ts';
import { VALUE_FREERS, VALUE_SLICERS } from './keyspace.ts';
import {
  elementLength,
  isIntegerEntry,
  Needle,
  nextEntry,
  stringLength,
  stringOffset,
  writeBulk,
  writeElement,
} from './listpack.ts';
import { compareMembers, ITEM_LENGTH, ITEM_MEMBER, ITEM_SCORE, OrderTree } from './order-tree.ts';
import { packedScore, scoreText, setScoreText } from './packed-score.ts';
import { PACKED_BYTES, PackedValue } from './packed-value.ts';

/** Bytes of a sorted set's descriptor, the value in its keyspace entry. */
export const ZSET_BYTES = PACKED_BYTES;
const SLOT = 0;
const COUNT = 4;
/** In the place of the number of entries: the set is large. */
const LARGE = -1;

/** Bytes of the longest integer's text. */
const INTEGER_TEXT_BYTES_MAX = 20;

/** The thresholds, which are part of EngineSettings. */
export type ZsetLimits = Pick<EngineSettings, 'zsetMaxListpackEntries' | 'zsetMaxListpackValue'>;

/** Limits under which a set is large from the first member on, until `pack`. */
export const ALWAYS_LARGE: ZsetLimits = { zsetMaxListpackEntries: 0, zsetMaxListpackValue: 0 };

/** The large form: two ways to the same items. */
export class ScoredMembers {
  readonly map: ByteMap;
  readonly tree: OrderTree;

  constructor(arena: Arena) {
    this.map = new ByteMap(arena, ITEM_MEMBER, ITEM_LENGTH);
    this.tree = new OrderTree(arena);
  }
}

/** One end of a range of members: a member, or the end of all. */
export interface MemberBound {
  /** −1 before and 1 after all members; 0: the bytes below. */
  readonly infinity: -1 | 0 | 1;
  readonly block: Block;
  readonly offset: number;
  readonly length: number;
  /** The member itself is not in the range. */
  readonly isExclusive: boolean;
}

/** Positions of a packed set's scores, filled before a search. */
let positions = new Int32Array(256);

export class ZsetValue {
  #arena!: Arena;
  #page!: Block;
  #at = 0;
  #limits!: ZsetLimits;
  readonly #packed = new PackedValue();
  /** Undefined while the set is small. */
  #large: ScoredMembers | undefined;

  /** The member that `find` looked for, and where it is: a packed position or an item. */
  readonly #needle = new Needle();
  #block!: Block;
  #offset = 0;
  #length = 0;
  #hash = 0;
  #found = 0;
  /** Score of the member that `find` found. */
  foundScore = 0;

  /** Packed position of the cursor's member. */
  #cursor = 0;
  /** Bytes of the cursor's member, after `locateMember`. */
  memberBlock: Block = Block.allocate(0);
  memberOffset = 0;
  memberLength = 0;
  readonly #integerText = Block.allocate(INTEGER_TEXT_BYTES_MAX);

  /** The span of ranks that `spanByScore` or `spanByMember` found: `from` to before `to`. */
  from = 0;
  to = 0;

  /** Looks at the sorted set of a keyspace entry. */
  open(arena: Arena, reference: number, limits: ZsetLimits): this {
    const page = arena.pages[pageOf(reference)];
    return this.openAt(arena, page, valueOffset(page, offsetOf(reference)), limits);
  }

  /** Looks at the descriptor at an offset of a block. */
  openAt(arena: Arena, page: Block, at: number, limits: ZsetLimits): this {
    this.#arena = arena;
    this.#page = page;
    this.#at = at;
    this.#limits = limits;
    if (page.view.getInt32((at + COUNT) | 0, true) === LARGE) {
      this.#large = arena.structures.get<ScoredMembers>(page.view.getInt32((at + SLOT) | 0, true));
    } else {
      this.#large = undefined;
      this.#packed.openAt(arena, page, at);
    }
    return this;
  }

  /**
   * Makes the value of a new keyspace entry an empty set. `memberBytes`: length of the first member
   * to come; a set that cannot stay small begins large.
   */
  create(arena: Arena, reference: number, limits: ZsetLimits, memberBytes = 0): this {
    const page = arena.pages[pageOf(reference)];
    const at = valueOffset(page, offsetOf(reference));
    return this.createAt(arena, page, at, limits, memberBytes);
  }

  /** Makes the bytes at an offset of a block the descriptor of an empty set. */
  createAt(arena: Arena, page: Block, at: number, limits: ZsetLimits, memberBytes = 0): this {
    this.#clear(page, at);
    this.openAt(arena, page, at, limits);
    this.#packed.initialize();
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = limits;
    if (zsetMaxListpackEntries === 0 || memberBytes > zsetMaxListpackValue) this.#enlarge();
    return this;
  }

  /** Makes a descriptor that of no set at all. */
  #clear(page: Block, at: number): void {
    page.view.setInt32(at + SLOT, 0, true);
    page.view.setInt32(at + COUNT, 0, true);
  }

  /** Number of members. */
  get length(): number {
    return this.#large === undefined ? this.#packed.count >> 1 : this.#large.tree.size;
  }

  get encoding(): 'listpack' | 'skiplist' {
    return this.#large === undefined ? 'listpack' : 'skiplist';
  }

  /** The packed entries of a small set, undefined when it is large. */
  get packed(): PackedValue | undefined {
    return this.#large === undefined ? this.#packed : undefined;
  }

  // One member.

  /** Looks a member up: true when it is there, with its score in `foundScore`. */
  find(block: Block, offset: number, length: number): boolean {
    this.#block = block;
    this.#offset = offset;
    this.#length = length;
    if (this.#large === undefined) return this.#findPacked();
    this.#hash = hashBytes(block, offset, length);
    const item = this.#large.map.find(block, offset, length, this.#hash);
    if (item === 0) return false;
    this.#found = item;
    const page = this.#arena.pages[pageOf(item)];
    this.foundScore = page.view.getFloat64(offsetOf(item) + ITEM_SCORE, true);
    return true;
  }

  #findPacked(): boolean {
    const packed = this.#packed;
    this.#needle.set(this.#block, this.#offset, this.#length);
    const at = packed.find(this.#needle, 2);
    if (at < 0) return false;
    this.#found = at;
    this.foundScore = packedScore(packed.block, packed.next(at));
    return true;
  }

  /** Gives the found member another score. */
  setFound(score: number): void {
    if (this.#large !== undefined) {
      this.#large.tree.changeScore(this.#found, score);
      return;
    }
    setScoreText(score);
    if (this.#setFoundInPlace(score)) return;
    this.#packed.remove(this.#found, 2);
    this.#insertPacked(score);
  }

  /**
   * Gives the found member of a packed set, whose text is in `scoreText`, another score where it is or
   * at the end: what has a later time comes last. False when it belongs elsewhere.
   */
  #setFoundInPlace(score: number): boolean {
    const packed = this.#packed;
    const pair = this.#found;
    const scoreAt = packed.next(pair);
    const next = packed.next(scoreAt);
    if (next < packed.end) {
      if (this.#isPairBefore(packed.previous(packed.end), score)) {
        // The block may move.
        const place = pair - packed.start;
        packed.replace(scoreAt, scoreText.block, 0, scoreText.length);
        packed.moveToEnd(packed.start + place, 2);
        return true;
      }
      if (this.#isPairBefore(packed.next(next), score)) return false;
    }
    if (pair > packed.start && !this.#isPairBefore(packed.previous(pair), score)) return false;
    packed.replace(scoreAt, scoreText.block, 0, scoreText.length);
    return true;
  }

  /** Adds the member that was not found. */
  insertMissing(score: number): void {
    if (this.#large === undefined && this.#outgrows()) this.#enlarge();
    if (this.#large === undefined) this.#insertPacked(score);
    else this.#insertItem(this.#large, this.#block, this.#offset, this.#length, this.#hash, score);
  }

  /** True when the member that was not found makes the set large. */
  #outgrows(): boolean {
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.#limits;
    const outgrows =
      (this.#packed.count >> 1) + 1 > zsetMaxListpackEntries || this.#length > zsetMaxListpackValue;
    if (outgrows) this.#hash = hashBytes(this.#block, this.#offset, this.#length);
    return outgrows;
  }

  /** Removes the found member. The caller removes a key whose set is empty. */
  removeFound(): void {
    if (this.#large === undefined) {
      this.#packed.remove(this.#found, 2);
      return;
    }
    this.#large.tree.remove(this.#found);
    // The map still stands where `find` left it.
    this.#large.map.removeFound();
    this.#arena.free(this.#found);
  }

  /** Rank of the found member, 0 for the lowest score. */
  rankOfFound(): number {
    if (this.#large !== undefined) return this.#large.tree.rankOf(this.#found);
    const { block } = this.#packed;
    let rank = 0;
    for (let at = this.#packed.start; at < this.#found; rank++) {
      at = nextEntry(block, nextEntry(block, at));
    }
    return rank;
  }

  /** Adds a member or changes its score; true when it is new. */
  add(score: number, block: Block, offset: number, length: number): boolean {
    const isNew = !this.find(block, offset, length);
    if (isNew) this.insertMissing(score);
    else if (this.foundScore !== score) this.setFound(score);
    return isNew;
  }

  /** Adds a member that is known not to be there. */
  addAbsent(score: number, block: Block, offset: number, length: number): void {
    this.#block = block;
    this.#offset = offset;
    this.#length = length;
    if (this.#large !== undefined) this.#hash = hashBytes(block, offset, length);
    this.insertMissing(score);
  }

  /** Score of a member, or NaN. */
  scoreOf(block: Block, offset: number, length: number): number {
    return this.find(block, offset, length) ? this.foundScore : Number.NaN;
  }

  /** Removes a member; false when there is no such. */
  remove(block: Block, offset: number, length: number): boolean {
    const isThere = this.find(block, offset, length);
    if (isThere) this.removeFound();
    return isThere;
  }

  /** Rank of a member, or −1. */
  rankOf(block: Block, offset: number, length: number): number {
    return this.find(block, offset, length) ? this.rankOfFound() : -1;
  }

  // The cursor.

  /** Puts the cursor on the member of a rank; false when there is no such. */
  seek(rank: number): boolean {
    if (rank < 0 || rank >= this.length) return false;
    if (this.#large === undefined) this.#cursor = this.#packed.seek(2 * rank);
    else this.#large.tree.seek(rank);
    return true;
  }

  /** Moves the cursor to the next higher rank; false, and it is of no use, after the last. */
  stepForward(): boolean {
    if (this.#large !== undefined) return this.#large.tree.stepForward();
    const packed = this.#packed;
    this.#cursor = packed.next(packed.next(this.#cursor));
    return this.#cursor < packed.end;
  }

  /** Moves the cursor to the next lower rank; false, and it is of no use, before the first. */
  stepBackward(): boolean {
    if (this.#large !== undefined) return this.#large.tree.stepBackward();
    const packed = this.#packed;
    if (this.#cursor === packed.start) return false;
    this.#cursor = packed.previous(packed.previous(this.#cursor));
    return true;
  }

  /** Score of the cursor's member. */
  get score(): number {
    if (this.#large !== undefined) return this.#large.tree.score;
    return packedScore(this.#packed.block, this.#packed.next(this.#cursor));
  }

  /** Replies the cursor's member as a bulk string. */
  replyMember(reply: ReplyWriter): void {
    if (this.#large === undefined) {
      writeBulk(reply, this.#packed.block, this.#cursor);
      return;
    }
    const { item } = this.#large.tree;
    const page = this.#arena.pages[pageOf(item)];
    const at = offsetOf(item);
    reply.bulk(page, at + ITEM_MEMBER, page.view.getInt32(at + ITEM_LENGTH, true));
  }

  /** Points `memberBlock`, `memberOffset`, `memberLength` at the cursor's member. */
  locateMember(): void {
    if (this.#large === undefined) this.#locatePacked(this.#cursor);
    else this.#locateItem(this.#large.tree.item);
  }

  #locateItem(item: number): void {
    this.memberBlock = this.#arena.pages[pageOf(item)];
    this.memberOffset = offsetOf(item) + ITEM_MEMBER;
    this.memberLength = this.memberBlock.view.getInt32(offsetOf(item) + ITEM_LENGTH, true);
  }

  #locatePacked(at: number): void {
    const { block } = this.#packed;
    if (isIntegerEntry(block, at)) {
      this.memberBlock = this.#integerText;
      this.memberOffset = 0;
      this.memberLength = elementLength(block, at);
      writeElement(this.#integerText, 0, block, at);
      return;
    }
    this.memberBlock = block;
    this.memberOffset = stringOffset(block, at);
    this.memberLength = stringLength(block, at);
  }

  // Spans of ranks.

  /** Sets `from` and `to` to the span of the scores from `least` to `most`; returns its length. */
  spanByScore(least: number, excludesLeast: boolean, most: number, excludesMost: boolean): number {
    this.from = this.#rankOfScore(least, excludesLeast);
    this.to = Math.max(this.from, this.#rankOfScore(most, !excludesMost));
    return this.to - this.from;
  }

  /** Number of members with a lower score; with `includesEqual` a lower or the same. */
  #rankOfScore(score: number, includesEqual: boolean): number {
    if (this.#large !== undefined) return this.#large.tree.rankOfScore(score, includesEqual);
    const { block } = this.#packed;
    let low = 0;
    let high = this.#locateScores();
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = packedScore(block, positions[middle]);
      if (found < score || (includesEqual && found === score)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Sets `from` and `to` to the span of the members from `least` to `most` without the first `skip`
   * of them (`isReverse`: the last); returns its length. It means what it says when all scores are
   * the same. When they are not, a small set answers what Redis does, which looks for the range from
   * the front, or from the back, and passes over members without a look at them.
   */
  spanByMember(least: MemberBound, most: MemberBound, isReverse: boolean, skip = 0): number {
    this.from = 0;
    this.to = 0;
    if (isEmptyRange(least, most)) return 0;
    if (this.#large !== undefined) {
      const from = rankOfBound(this.#large.tree, least, true);
      const to = Math.max(from, rankOfBound(this.#large.tree, most, false));
      this.from = isReverse ? from : Math.min(to, from + skip);
      this.to = isReverse ? Math.max(from, to - skip) : to;
    } else if (this.#reachesInto(least, most)) {
      if (isReverse) this.#spanBackward(least, most, skip);
      else this.#spanForward(least, most, skip);
    }
    return this.to - this.from;
  }

  /** False when the first member is beyond the range or the last before it. */
  #reachesInto(least: MemberBound, most: MemberBound): boolean {
    const { length } = this;
    if (length === 0 || !this.seek(0) || !this.#isUpTo(most)) return false;
    this.seek(length - 1);
    return this.#isFrom(least);
  }

  #spanForward(least: MemberBound, most: MemberBound, skip: number): void {
    this.seek(0);
    let rank = 0;
    while (!this.#isFrom(least) && this.stepForward()) rank++;
    if (!this.#isUpTo(most)) return;
    rank += skip;
    this.from = rank;
    for (let isHere = this.seek(rank); isHere && this.#isUpTo(most); isHere = this.stepForward()) {
      rank++;
    }
    this.to = rank;
  }

  #spanBackward(least: MemberBound, most: MemberBound, skip: number): void {
    let rank = this.length - 1;
    this.seek(rank);
    while (!this.#isUpTo(most) && this.stepBackward()) rank--;
    if (!this.#isFrom(least)) return;
    rank -= skip;
    this.to = rank + 1;
    for (
      let isHere = this.seek(rank);
      isHere && this.#isFrom(least);
      isHere = this.stepBackward()
    ) {
      rank--;
    }
    this.from = rank + 1;
  }

  /** True when the cursor's member is not below the range. */
  #isFrom(least: MemberBound): boolean {
    if (least.infinity !== 0) return least.infinity < 0;
    const order = this.#orderTo(least);
    return order > 0 || (order === 0 && !least.isExclusive);
  }

  /** True when the cursor's member is not above the range. */
  #isUpTo(most: MemberBound): boolean {
    if (most.infinity !== 0) return most.infinity > 0;
    const order = this.#orderTo(most);
    return order < 0 || (order === 0 && !most.isExclusive);
  }

  #orderTo({ block, offset, length }: MemberBound): number {
    this.locateMember();
    const { memberBlock, memberOffset, memberLength } = this;
    return compareMembers(memberBlock, memberOffset, memberLength, block, offset, length);
  }

  /** Removes `count` members from a rank on. The caller removes a key whose set is empty. */
  removeRange(rank: number, count: number): void {
    if (this.#large === undefined) {
      if (count > 0) this.#packed.remove(this.#packed.seek(2 * rank), 2 * count);
      return;
    }
    this.#large.tree.removeRange(rank, count, this.#forgetItem);
  }

  /** Takes an item that leaves the tree out of the map, and frees it. */
  readonly #forgetItem = (item: number): void => {
    const { map } = this.#large as ScoredMembers;
    const page = this.#arena.pages[pageOf(item)];
    const at = offsetOf(item);
    const length = page.view.getInt32(at + ITEM_LENGTH, true);
    map.findReference(hashBytes(page, at + ITEM_MEMBER, length), item);
    map.removeFound();
    this.#arena.free(item);
  };

  /**
   * Visits members in no particular order from a cursor on, as ByteMap.scan does, and returns the
   * next cursor or −1; a small set as a whole. `visit` finds the member in `memberBlock` and its
   * neighbours, and the score in its argument, and must not change the set.
   */
  scan(cursor: number, count: number, visit: (score: number) => void): number {
    if (this.#large === undefined) {
      const { block, end } = this.#packed;
      for (let at = this.#packed.start; at < end; ) {
        const scoreAt = nextEntry(block, at);
        this.#locatePacked(at);
        visit(packedScore(block, scoreAt));
        at = nextEntry(block, scoreAt);
      }
      return -1;
    }
    return this.#large.map.scan(cursor, count, (item) => {
      this.#locateItem(item);
      visit(this.memberBlock.view.getFloat64(offsetOf(item) + ITEM_SCORE, true));
    });
  }

  /** Frees everything. The descriptor is of no use after that until `createAt`. */
  free(): void {
    if (this.#large === undefined) this.#packed.free();
    else this.freeSome(this.length);
  }

  /** Frees up to `count` members from the front, all that is left with the last of them. */
  freeSome(count: number): void {
    if (this.#large === undefined) {
      this.#packed.free();
      return;
    }
    const { map, tree } = this.#large;
    const arena = this.#arena;
    // Nobody will look a member up: the map may point at what is gone.
    tree.removeRange(0, Math.min(count, tree.size), (item) => arena.free(item));
    if (tree.size > 0) return;
    tree.free();
    map.release();
    arena.structures.remove(this.#page.view.getInt32(this.#at + SLOT, true));
    this.#large = undefined;
    this.#clear(this.#page, this.#at);
    this.#packed.openAt(arena, this.#page, this.#at);
  }

  /** Blocks that the set holds, roughly. */
  get parts(): number {
    return this.#large === undefined ? 1 : this.#large.tree.size;
  }

  // The two forms.

  /** Notes where the scores of the packed set are; returns their number. */
  #locateScores(): number {
    const { block, count, end } = this.#packed;
    if (count >> 1 > positions.length) positions = new Int32Array(count);
    let i = 0;
    for (let at = this.#packed.start; at < end; i = (i + 1) | 0) {
      const scoreAt = nextEntry(block, at);
      positions[i] = scoreAt;
      at = nextEntry(block, scoreAt);
    }
    return i;
  }

  /** Inserts the member that was looked for, which is not in the packed set, in its place. */
  #insertPacked(score: number): void {
    const packed = this.#packed;
    const at = this.#placeOf(score);
    const scoreAt = packed.insert(at, this.#block, this.#offset, this.#length);
    setScoreText(score);
    packed.insert(scoreAt, scoreText.block, 0, scoreText.length);
  }

  /** Packed position where the member that was looked for belongs with a score. */
  #placeOf(score: number): number {
    const packed = this.#packed;
    // What comes last is what most often comes: time stamps.
    if (packed.count === 0) return packed.end;
    if (this.#isPairBefore(packed.previous(packed.end), score)) return packed.end;
    let low = 0;
    let high = this.#locateScores();
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isPairBefore(positions[middle], score)) low = middle + 1;
      else high = middle;
    }
    return packed.previous(positions[low]);
  }

  /** True when the pair whose score is at `scoreAt` is before the member that was looked for. */
  #isPairBefore(scoreAt: number, score: number): boolean {
    const found = packedScore(this.#packed.block, scoreAt);
    if (found !== score) return found < score;
    this.#locatePacked(this.#packed.previous(scoreAt));
    const order = compareMembers(
      this.memberBlock,
      this.memberOffset,
      this.memberLength,
      this.#block,
      this.#offset,
      this.#length,
    );
    return order < 0;
  }

  /** Makes the set large, whatever the thresholds say. */
  #enlarge(): void {
    const arena = this.#arena;
    const large = new ScoredMembers(arena);
    const packed = this.#packed;
    const { block, end } = packed;
    for (let at = packed.start; at < end; ) {
      this.#locatePacked(at);
      const { memberBlock, memberOffset, memberLength } = this;
      const hash = hashBytes(memberBlock, memberOffset, memberLength);
      const scoreAt = nextEntry(block, at);
      const score = packedScore(block, scoreAt);
      this.#insertItem(large, memberBlock, memberOffset, memberLength, hash, score);
      at = nextEntry(block, scoreAt);
    }
    packed.free();
    this.#large = large;
    this.#page.view.setInt32(this.#at + SLOT, arena.structures.add(large), true);
    this.#page.view.setInt32(this.#at + COUNT, LARGE, true);
  }

  /** Makes a large set small if the thresholds allow: what was built as a result. */
  pack(limits: ZsetLimits): void {
    this.#limits = limits;
    if (this.#large === undefined || !this.#fitsPacked(this.#large)) return;
    const { map, tree } = this.#large;
    const slot = this.#page.view.getInt32(this.#at + SLOT, true);
    this.#clear(this.#page, this.#at);
    const packed = this.#packed.openAt(this.#arena, this.#page, this.#at).initialize();
    const count = tree.size;
    tree.seek(0);
    for (let i = 0; i < count; i++) {
      this.locateMember();
      packed.append(this.memberBlock, this.memberOffset, this.memberLength);
      setScoreText(tree.score);
      packed.append(scoreText.block, 0, scoreText.length);
      tree.stepForward();
    }
    tree.removeRange(0, count, (item) => this.#arena.free(item));
    tree.free();
    map.release();
    this.#arena.structures.remove(slot);
    this.#large = undefined;
  }

  #fitsPacked({ tree }: ScoredMembers): boolean {
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.#limits;
    if (tree.size > zsetMaxListpackEntries || tree.size === 0) return false;
    tree.seek(0);
    do {
      this.#locateItem(tree.item);
      if (this.memberLength > zsetMaxListpackValue) return false;
    } while (tree.stepForward());
    return true;
  }

  #insertItem(
    { map, tree }: ScoredMembers,
    block: Block,
    offset: number,
    length: number,
    hash: number,
    score: number,
  ): void {
    const item = this.#arena.allocate(ITEM_MEMBER + length);
    const page = this.#arena.pages[pageOf(item)];
    const at = offsetOf(item);
    page.view.setFloat64(at + ITEM_SCORE, score, true);
    page.view.setInt32(at + ITEM_LENGTH, length, true);
    copyBytes(page, at + ITEM_MEMBER, block, offset, length);
    map.insert(hash, item);
    tree.insert(item);
  }

  /** Throws when the two sides differ or are out of order. For tests and fuzzers. */
  verify(): void {
    if (this.#large === undefined) {
      this.#packed.verify();
      invariant(this.#packed.count % 2 === 0, 'a packed member without a score');
      return;
    }
    const { map, tree } = this.#large;
    map.verify();
    tree.verify();
    invariant(map.size === tree.size, `${map.size} members, ${tree.size} places`);
    if (tree.size === 0) return;
    tree.seek(0);
    do {
      this.locateMember();
      const { memberBlock, memberOffset, memberLength } = this;
      const hash = hashBytes(memberBlock, memberOffset, memberLength);
      const item = map.find(memberBlock, memberOffset, memberLength, hash);
      invariant(item === tree.item, 'a member leads elsewhere');
    } while (tree.stepForward());
  }
}

/** True when no member can be in the range, whatever the set. */
function isEmptyRange(least: MemberBound, most: MemberBound): boolean {
  if (least.infinity > 0 || most.infinity < 0) return true;
  if (least.infinity < 0 || most.infinity > 0) return false;
  const order = compareMembers(
    least.block,
    least.offset,
    least.length,
    most.block,
    most.offset,
    most.length,
  );
  return order > 0 || (order === 0 && (least.isExclusive || most.isExclusive));
}

/** Number of members before a bound; one at the bound is before it by exclusion or as `most`. */
function rankOfBound(tree: OrderTree, end: MemberBound, isLeast: boolean): number {
  if (end.infinity !== 0) return end.infinity < 0 ? 0 : tree.size;
  const includesEqual = isLeast === end.isExclusive;
  return tree.rankOfMember(end.block, end.offset, end.length, includesEqual);
}

const freed = new ZsetValue();
/** Freeing does not depend on thresholds. */
const NO_LIMITS = ALWAYS_LARGE;

VALUE_FREERS[ZSET] = (arena, block, valueAt) => {
  freed.openAt(arena, block, valueAt, NO_LIMITS).free();
};

VALUE_SLICERS[ZSET] = {
  parts: (arena, block, valueAt) => {
    // A descriptor whose parts are all freed has no block any more.
    if (block.view.getInt32(valueAt + SLOT, true) === 0) return 0;
    return freed.openAt(arena, block, valueAt, NO_LIMITS).parts;
  },
  freeParts: (arena, block, valueAt, count) => {
    freed.openAt(arena, block, valueAt, NO_LIMITS).freeSome(count);
  },
};
