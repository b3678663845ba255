/**
 * Puts the replies of one connection back in request order when they come from several shards.
 *
 *   order   ring of sources, one per outstanding request:   0 1 1 0 L …
 *   stash   per source, the replies that came before their turn: bytes and lengths, FIFO
 *
 * A connection whose outstanding requests all went to one shard needs none of this and does not
 * have one; it is made when a connection first mixes sources. Replies of one source are in order
 * among themselves, so a stash is a plain queue. Cost: one copy of the bytes for a reply that came
 * early, one for each reply into the writer.
 */
import { Block, copyBytes, type ReplyWriter } from '@hashlane/resp';

class Stash {
  block = Block.allocate(1024);
  start = 0;
  end = 0;
  lengths = new Int32Array(64);
  first = 0;
  count = 0;

  push(source: Block, offset: number, length: number): void {
    if (this.end + length > this.block.bytes.length) this.#makeRoom(length);
    copyBytes(this.block, this.end, source, offset, length);
    this.end += length;
    if (this.count === this.lengths.length) this.#growLengths();
    this.lengths[(this.first + this.count) & (this.lengths.length - 1)] = length;
    this.count++;
  }

  /** Moves the first reply into the writer. */
  shift(writer: ReplyWriter): void {
    const length = this.lengths[this.first];
    writer.reserve(length);
    copyBytes(writer.block, writer.position, this.block, this.start, length);
    writer.position += length;
    this.start += length;
    this.first = (this.first + 1) & (this.lengths.length - 1);
    this.count--;
    if (this.count === 0) {
      this.start = 0;
      this.end = 0;
    }
  }

  #makeRoom(length: number): void {
    const used = this.end - this.start;
    const old = this.block;
    if (used + length > old.bytes.length / 2) {
      this.block = Block.allocate(Math.max(old.bytes.length * 2, used + length));
    }
    old.bytes.copy(this.block.bytes, 0, this.start, this.end);
    this.start = 0;
    this.end = used;
  }

  #growLengths(): void {
    const grown = new Int32Array(this.lengths.length * 2);
    for (let i = 0; i < this.count; i++) {
      grown[i] = this.lengths[(this.first + i) & (this.lengths.length - 1)];
    }
    this.lengths = grown;
    this.first = 0;
  }
}

/** The source number of replies that the gateway makes itself. */
export const LOCAL = 255;
/** That of commands in parts, which are in order among themselves: see at-once.ts. */
export const AT_ONCE = 254;

export class ReplyOrder {
  #sources = new Uint8Array(64);
  #first = 0;
  /** Outstanding requests. */
  count = 0;
  readonly #stashes: (Stash | undefined)[] = [];

  /** A request went to `source`. */
  push(source: number): void {
    if (this.count === this.#sources.length) this.#grow();
    this.#sources[(this.#first + this.count) & (this.#sources.length - 1)] = source;
    this.count++;
  }

  /** A reply came from `source`: whatever is in order now goes to the writer. */
  receive(source: number, block: Block, start: number, length: number, writer: ReplyWriter): void {
    const stash = this.#stashOf(source);
    if (stash.count > 0 || this.#sources[this.#first] !== source) {
      stash.push(block, start, length);
      return;
    }
    writer.reserve(length);
    copyBytes(writer.block, writer.position, block, start, length);
    writer.position += length;
    this.#shift();
    this.#drain(writer);
  }

  #drain(writer: ReplyWriter): void {
    while (this.count > 0) {
      const stash = this.#stashes[this.#sources[this.#first]];
      if (stash === undefined || stash.count === 0) return;
      stash.shift(writer);
      this.#shift();
    }
  }

  #shift(): void {
    this.#first = (this.#first + 1) & (this.#sources.length - 1);
    this.count--;
  }

  #stashOf(source: number): Stash {
    let stash = this.#stashes[source];
    if (stash === undefined) {
      stash = new Stash();
      this.#stashes[source] = stash;
    }
    return stash;
  }

  #grow(): void {
    const grown = new Uint8Array(this.#sources.length * 2);
    for (let i = 0; i < this.count; i++) {
      grown[i] = this.#sources[(this.#first + i) & (this.#sources.length - 1)];
    }
    this.#sources = grown;
    this.#first = 0;
  }
}
