/**
 * Finds a command by the bytes of its name, without making a string.
 *
 * The first eight bytes are read as two words, turned to lower case at once, and hashed; a name of
 * up to eight letters is then known by its words alone, others are verified byte by byte. The rows
 * come from core (executed by shards) and from the gateway's own families; a name with a `|`
 * is a subcommand and lives in the index of its container.
 */
import { BLOCKING, type CommandMetadata, INTERNAL } from '@hashlane/core/metadata';
import { Block } from '@hashlane/resp';
import type { ServerCommandSpec } from './server-command.ts';

export interface CommandEntry {
  readonly spec: CommandMetadata;
  /** Lower-case name as error texts and CLIENT LIST print it. */
  readonly lowerName: string;
  /** Number in the table of shards, or −1. */
  readonly command: number;
  /** Set when the gateway executes it. */
  readonly handler: ServerCommandSpec['handler'] | undefined;
  readonly isBlocking: boolean;
  /** False for what acts at once between MULTI and EXEC. */
  readonly isQueued: boolean;
  /** Argument number of the only key when there is exactly one, at 1; else 0. */
  readonly singleKey: number;
  /** The own name's first eight bytes, as `find` reads them, and its length. */
  readonly word0: number;
  readonly word1: number;
  readonly nameLength: number;
  /** At most eight letters: equal words are an equal name. Otherwise the bytes are compared. */
  readonly isPlain: boolean;
  subcommands: CommandIndex | undefined;
}

/** Names up to this length are compared as two words. */
const SHORT_BYTES_MAX = 8;
/** Turns letters to lower case, four at a time; other bytes are judged by `isName`. */
const LOWER = 0x20202020;

export class CommandIndex {
  readonly entries: CommandEntry[] = [];
  #slots: (CommandEntry | undefined)[] = new Array(16).fill(undefined);
  /** The entry found last: pipelines repeat themselves. */
  #last: CommandEntry | undefined;

  add(entry: CommandEntry): void {
    this.entries.push(entry);
    if (this.entries.length * 2 > this.#slots.length) this.#rehash();
    else this.#place(entry);
  }

  #rehash(): void {
    this.#slots = new Array(this.#slots.length * 2).fill(undefined);
    for (const entry of this.entries) this.#place(entry);
  }

  #place(entry: CommandEntry): void {
    const mask = this.#slots.length - 1;
    let at = slotOf(entry.word0, entry.word1, entry.nameLength) & mask;
    while (this.#slots[at] !== undefined) at = (at + 1) & mask;
    this.#slots[at] = entry;
  }

  /** Entry of the command whose name is these bytes, in any case. */
  find(block: Block, offset: number, length: number): CommandEntry | undefined {
    const { view } = block;
    let word0 = 0;
    let word1 = 0;
    if (offset + SHORT_BYTES_MAX <= block.size) {
      word0 = view.getInt32(offset, true) | LOWER;
      word1 = view.getInt32((offset + 4) | 0, true) | LOWER;
      if (length < 4) word0 = word0 & ((1 << (length << 3)) - 1);
      if (length <= 4) word1 = 0;
      else if (length < 8) word1 = word1 & ((1 << ((length - 4) << 3)) - 1);
    } else {
      word0 = lowerWord(block, offset, Math.min(length, 4));
      word1 = lowerWord(block, offset + 4, Math.min(length - 4, 4));
    }
    const last = this.#last;
    if (last !== undefined && isSame(last, word0, word1, block, offset, length)) return last;
    this.#last = this.#search(word0, word1, block, offset, length);
    return this.#last;
  }

  /** Entry of `get` or `config|get`, in any case; not for the way of a command. */
  named(name: string): CommandEntry | undefined {
    const lower = name.toLowerCase();
    const bar = lower.indexOf('|');
    const container = bar < 0 ? lower : lower.slice(0, bar);
    const entry = this.entries.find((each) => each.lowerName === container);
    if (bar < 0) return entry;
    return entry?.subcommands?.entries.find((each) => each.lowerName === lower);
  }

  #search(
    word0: number,
    word1: number,
    block: Block,
    offset: number,
    length: number,
  ): CommandEntry | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = slotOf(word0, word1, length) & mask;
    for (;;) {
      const entry = slots[at];
      if (entry === undefined || isSame(entry, word0, word1, block, offset, length)) return entry;
      at = (at + 1) & mask;
    }
  }
}

function slotOf(word0: number, word1: number, length: number): number {
  const hash = Math.imul(word0, 0x9e3779b1) ^ Math.imul(word1, 0x85ebca6b) ^ length;
  return hash ^ (hash >>> 15);
}

/** Up to four bytes from `offset`, in lower case, the first lowest. */
function lowerWord(block: Block, offset: number, length: number): number {
  let word = 0;
  for (let i = 0; i < length; i++) word |= (block.bytes[offset + i] | 0x20) << (8 * i);
  return word;
}

function isSame(
  entry: CommandEntry,
  word0: number,
  word1: number,
  block: Block,
  offset: number,
  length: number,
): boolean {
  if (entry.word0 !== word0 || entry.word1 !== word1 || entry.nameLength !== length) return false;
  return entry.isPlain || isName(entry, block.bytes, offset, length);
}

function isName(entry: CommandEntry, bytes: Buffer, offset: number, length: number): boolean {
  const name = entry.lowerName;
  const skip = name.length - length;
  // A subcommand's entry is found by the part after `|`.
  if (skip !== 0 && (skip < 0 || name.charCodeAt(skip - 1) !== 124)) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[offset + i];
    const lower = byte >= 65 && byte <= 90 ? byte | 0x20 : byte;
    if (lower !== name.charCodeAt(skip + i)) return false;
  }
  return true;
}

/**
 * Builds the index of all commands: `sharded` in the order of their numbers, `served` by the
 * gateway. A container without a row of its own (OBJECT, DEBUG) gets one made up from its parts.
 */
export function buildCommandIndex(
  sharded: readonly CommandMetadata[],
  served: readonly ServerCommandSpec[],
): CommandIndex {
  const entries: CommandEntry[] = [
    ...sharded.map((spec, command) => makeEntry(spec, command, undefined)),
    ...served.map((spec) => makeEntry(spec, -1, spec.handler, spec.isQueued)),
  ].filter((entry) => (entry.spec.flags & INTERNAL) === 0);
  const index = new CommandIndex();
  const containers = new Map<string, CommandEntry>();
  for (const entry of entries) {
    if (entry.lowerName.includes('|')) continue;
    index.add(entry);
    containers.set(entry.lowerName, entry);
  }
  for (const entry of entries) {
    const bar = entry.lowerName.indexOf('|');
    if (bar < 0) continue;
    const name = entry.lowerName.slice(0, bar);
    let container = containers.get(name);
    if (container === undefined) {
      container = makeEntry(containerSpec(entry.spec), -1, undefined);
      containers.set(name, container);
      index.add(container);
    }
    container.subcommands ??= new CommandIndex();
    container.subcommands.add(entry);
  }
  return index;
}

function makeEntry(
  spec: CommandMetadata,
  command: number,
  handler: CommandEntry['handler'],
  isQueued = true,
): CommandEntry {
  const range = spec.keys?.[0];
  const isSingle =
    spec.keys?.length === 1 &&
    range?.first === 1 &&
    range.last === 1 &&
    range.countAt === undefined;
  const lowerName = spec.name.toLowerCase();
  const ownName = Block.of(lowerName.slice(lowerName.indexOf('|') + 1));
  const nameLength = ownName.bytes.length;
  return {
    spec,
    command,
    handler,
    lowerName,
    nameLength,
    word0: lowerWord(ownName, 0, Math.min(nameLength, 4)),
    word1: lowerWord(ownName, 4, Math.min(nameLength - 4, 4)),
    isPlain: /^[a-z]{1,8}$/.test(ownName.bytes.latin1Slice()),
    isQueued,
    isBlocking: (spec.flags & BLOCKING) !== 0,
    singleKey: isSingle ? 1 : 0,
    subcommands: undefined,
  };
}

function containerSpec(part: CommandMetadata): CommandMetadata {
  const name = part.name.slice(0, part.name.indexOf('|'));
  return {
    name,
    arity: -2,
    flags: 0,
    group: part.group,
    since: part.since,
    syntax: '',
    summary: `A container for ${name.toLowerCase()} commands.`,
    complexity: 'Depends on subcommand.',
  };
}
