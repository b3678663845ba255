/**
 * Random operations on a stream against an array of entries: IDs at the edges of 64 bits, fields
 * that repeat and fields that do not, values of all sizes, nodes from one entry to thousands; and a
 * consumer group against a map of what is pending.
 *
 * Every run ends with the stream released, and the arena as it was.
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';
import { Request } from './request.ts';
import type { StreamConsumer, StreamGroup } from './stream-group.ts';
import { compareIds, replyId, StreamId } from './stream-id.ts';
import { StreamIterator } from './stream-iterator.ts';
import { makeGroup, StreamValue } from './stream-value.ts';

interface Entry {
  readonly id: StreamId;
  readonly words: readonly string[];
}

const LIMITS = [
  [4096, 100],
  [4096, 1],
  [300, 5],
  [0, 0],
  [4096, 0],
  [100_000, 2000],
] as const;

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly stream = new StreamValue(this.arena);
  readonly iterator = new StreamIterator();
  readonly reply = new ReplyWriter(4096);
  readonly group: StreamGroup;
  readonly consumers: StreamConsumer[] = [];
  /** Owner by the text of an ID. */
  readonly pending = new Map<string, StreamConsumer>();
  entries: Entry[] = [];
  limits: { streamNodeMaxBytes: number; streamNodeMaxEntries: number };

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.limits = this.pickLimits();
    // Some streams are at the end of time from the beginning.
    const { lastId } = this.stream;
    if (seed % 5 === 0) lastId.set(-1, -1, -1, -2_000_000_000);
    else if (seed % 5 === 1) lastId.set(0x1fffff, -5, 0, 7);
    this.group = makeGroup(this.stream, Buffer.from('group'));
    for (const name of ['b', 'a', '']) {
      const block = Block.of(name);
      this.group.consumer(block, 0, name.length);
      this.consumers.push(this.group.addConsumer(block, 0, name.length, 1));
    }
  }

  pickLimits(): { streamNodeMaxBytes: number; streamNodeMaxEntries: number } {
    const [streamNodeMaxBytes, streamNodeMaxEntries] = LIMITS[this.random.below(LIMITS.length)];
    return { streamNodeMaxBytes, streamNodeMaxEntries };
  }

  nextId(): StreamId | undefined {
    const { random } = this;
    const id = new StreamId().copy(this.stream.lastId);
    if (!id.increment()) return undefined;
    const kind = random.below(12);
    if (kind < 4) id.seqLow = (id.seqLow + random.below(100)) | 0;
    else if (kind < 8) id.set(id.msHigh, id.msLow + random.below(5000), 0, random.below(5));
    else if (kind < 9) id.set(id.msHigh, id.msLow, id.seqHigh + 1, random.next());
    else if (kind < 10) id.set(id.msHigh + 1, random.next(), random.next(), random.next());
    return compareIds(id, this.stream.lastId) > 0 ? id : undefined;
  }

  word(): string {
    const { random } = this;
    const kind = random.below(20);
    if (kind < 8) return 'abcdefgh'.slice(random.below(8));
    if (kind < 12) return String(random.below(1 << random.below(31)));
    if (kind < 14) return `-${random.below(70_000)}`;
    if (kind < 15) return String(2n ** BigInt(random.below(64)));
    return 'x'.repeat(random.below(kind < 19 ? 80 : 3000));
  }

  add(): void {
    const id = this.nextId();
    if (id === undefined) return;
    const { random } = this;
    const fields = random.below(30) === 0 ? 1 + random.below(200) : 1 + random.below(4);
    const isUsual = random.below(3) > 0;
    const words: string[] = [];
    for (let i = 0; i < fields; i++) words.push(isUsual ? `f${i}` : this.word(), this.word());
    const request = requestOf(words);
    const bytes = words.reduce((sum, word) => sum + word.length, 0);
    this.stream.append(id, request, 1, fields, bytes, this.limits);
    this.entries.push({ id, words });
  }

  remove(): void {
    const { random } = this;
    const at = random.below(this.entries.length + 1);
    const entry = this.entries[at];
    const id = new StreamId().copy(entry?.id ?? this.stream.lastId);
    if (entry === undefined) id.increment();
    invariant(this.stream.delete(id) === (entry !== undefined), 'deleted another one');
    if (entry === undefined) return;
    this.stream.noteDeleted(id);
    this.entries.splice(at, 1);
    this.stream.updateFirstId();
  }

  trim(): void {
    const { random, entries, stream } = this;
    const isByLength = random.below(2) === 0;
    const isApproximate = random.below(2) === 0;
    const limit = isApproximate && random.below(3) === 0 ? 1 + random.below(20) : 0;
    const at = random.below(Math.min(entries.length, 40) + 1);
    const least = new StreamId().copy(entries[at]?.id ?? stream.lastId);
    const length = isByLength ? entries.length - at : -1;
    let graveyard: StreamValue | undefined;
    const removed = stream.trim({ length, least, isApproximate, limit }, () => {
      graveyard ??= new StreamValue(this.arena);
      return graveyard;
    });
    graveyard?.release();
    const exact = isByLength ? at : entries.filter(({ id }) => compareIds(id, least) < 0).length;
    invariant(removed <= exact && (isApproximate || removed === exact), `trimmed ${removed}`);
    invariant(limit === 0 || removed <= limit, 'trimmed more than allowed');
    this.entries = entries.slice(removed);
  }

  text(id: StreamId): string {
    this.reply.reset();
    replyId(this.reply, id);
    const text = this.reply.block.bytes.latin1Slice(0, this.reply.position);
    invariant(text === bulk(String(id)), `an ID is replied as ${text}`);
    return text;
  }

  range(): void {
    const { random, entries } = this;
    const isReverse = random.below(2) === 0;
    const at = random.below(entries.length + 1);
    const from = new StreamId().copy(entries[at]?.id ?? new StreamId());
    if (random.below(3) === 0) from.increment();
    const to = new StreamId().setGreatest();
    const end = entries[Math.min(entries.length - 1, at + random.below(300))];
    if (end !== undefined) to.copy(end.id);
    const expected = entries.filter(
      ({ id }) => compareIds(id, from) >= 0 && compareIds(id, to) <= 0,
    );
    if (isReverse) expected.reverse();
    this.iterator.start(this.stream, from, to, isReverse);
    for (const entry of expected) {
      invariant(this.iterator.next(), 'entries are missing');
      invariant(compareIds(this.iterator.id, entry.id) === 0, 'another entry');
      // Passing over an entry is another way through it than replying it.
      if (random.below(4) > 0) this.expectReply(entry);
    }
    invariant(!this.iterator.next(), 'too many entries');
  }

  expectReply({ id, words }: Entry): void {
    const wire = `*2\r\n${this.text(id)}*${words.length}\r\n${words.map(bulk).join('')}`;
    this.reply.reset();
    this.iterator.reply(this.reply);
    const got = this.reply.block.bytes.latin1Slice(0, this.reply.position);
    invariant(got === wire, `replied ${got.slice(0, 300)} instead of ${wire.slice(0, 300)}`);
  }

  deliver(): void {
    const { random, entries, group } = this;
    const entry = entries[random.below(entries.length + 1)];
    if (entry === undefined) return;
    const consumer = this.consumers[random.below(this.consumers.length)];
    const time = random.below(2) === 0 ? 1_700_000_000_000 + random.below(1000) : random.below(9);
    group.deliver(consumer, entry.id, time);
    this.pending.set(String(entry.id), consumer);
    invariant(group.rowTime() === time && group.rowCount() === 1n, 'a row says something else');
    for (let i = 0; i < 3; i++) group.countRow();
    invariant(group.rowCount() === 4n, 'a delivery is not counted');
    group.setRowBigCount(0xffff_ffffn);
    group.countRow();
    invariant(group.rowCount() === 0x1_0000_0000n, 'the count lost its carry');
  }

  acknowledge(): void {
    const { random, entries, group } = this;
    const entry = entries[random.below(entries.length + 1)];
    if (entry === undefined) return;
    const owner = this.pending.get(String(entry.id));
    invariant(group.pending.find(entry.id) === (owner !== undefined), 'pending, or not');
    if (owner === undefined) return;
    invariant(group.rowConsumer() === owner, 'pending for another consumer');
    group.removeRow(entry.id);
    this.pending.delete(String(entry.id));
  }

  step(): void {
    const kind = this.random.below(100);
    if (kind < 50) this.add();
    else if (kind < 62) this.remove();
    else if (kind < 72) this.range();
    else if (kind < 84) this.deliver();
    else if (kind < 92) this.acknowledge();
    else if (kind < 95) this.trim();
    else if (kind < 96) this.limits = this.pickLimits();
  }

  check(): void {
    const { entries, stream } = this;
    stream.verify();
    this.arena.verify();
    invariant(stream.length === entries.length, 'the length differs');
    const first = entries[0]?.id ?? new StreamId();
    invariant(compareIds(stream.firstId, first) === 0, 'another first ID');
    invariant(this.group.pending.size === this.pending.size, 'pending entries differ');
    invariant(stream.tableBytes === this.arena.tableBytes, 'tables are counted twice, or not');
  }

  end(): void {
    this.group.consumer(Block.of('a'), 0, 1);
    this.group.removeConsumer(this.consumers[1]);
    this.group.verify();
    if (this.random.below(2) === 0) {
      while (this.entries.length > 0) this.remove();
      this.stream.verify();
      invariant(this.arena.usedBytes === 0, 'an empty stream has nodes');
    }
    this.stream.release();
    invariant(this.arena.usedBytes === 0, `${this.arena.usedBytes} bytes are left`);
    invariant(this.arena.tableBytes === 0, `${this.arena.tableBytes} bytes of tables are left`);
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** A request with these words from argument 1 on. */
function requestOf(words: readonly string[]): Request {
  const request = new Request(Block.of(words.join('')), new Int32Array(2 * words.length + 2));
  let at = 0;
  words.forEach((word, i) => {
    request.spans[2 * i + 2] = at;
    request.spans[2 * i + 3] = word.length;
    at += word.length;
  });
  request.argc = words.length + 1;
  return request;
}

export function fuzzStreamValue(seed: number, steps: number): void {
  const model = new Model(seed);
  for (let step = 0; step < steps; step++) {
    model.step();
    if (step % 32 === 0) model.check();
  }
  model.check();
  model.end();
}

runFuzzer(import.meta, 3000, fuzzStreamValue);
