/**
 * The commands of a script, on the shards that have their keys.
 *
 *   keys all here          executed here
 *   keys all on another    sent there whole (door.ts)
 *   keys on several        sums, MGET and MSET key by key; any other command here, with the values of
 *                          foreign keys brought here before and taken back after
 *   no keys, all shards    FLUSHALL, DBSIZE, KEYS, SCAN and their like: joined
 *
 * Bringing a value here costs its size twice; scripts that do it with large values want a hash tag.
 * BY and GET patterns of SORT see keys of the script's own shard only.
 */
import {
  Block,
  type CommandSpec,
  commandNumber,
  type Engine,
  hashBytes,
  isReadOnly,
  KeyFinder,
  type KeyRange,
  MAY_REPLICATE,
  Request,
  WRITE,
} from '@hashlane/core';
import { bulkOf, elementsOf, errors, integerOf, isError, isNull } from '@hashlane/resp';
import { type CommandExecutor, FIRST_KEY, replyError } from '@hashlane/scripting';
import type { Door, DoorCall } from './door.ts';
import { STAYS_TRUSTED } from './limits.ts';
import { ROAMS, Roamers, type Stays } from './roamers.ts';
import type { Router } from './routing.ts';
import { nextScanCursor, readScanCursor } from './scan-cursor.ts';

export interface ScriptExecutorOptions {
  readonly engine: Engine;
  readonly index: number;
  readonly router: Router;
  /** Undefined with one shard. */
  readonly door: Door | undefined;
  /** Executes a command here. */
  execute(command: number, request: Request): void;
}

type Words = readonly (string | Buffer)[];

export class ScriptExecutor implements CommandExecutor {
  readonly #options: ScriptExecutorOptions;
  readonly #engine: Engine;
  readonly #keys = new KeyFinder();
  /** Hash and shard of each key of the command at hand. */
  #hashes = new Int32Array(64);
  #owners = new Uint8Array(64);
  readonly #roamers = new Roamers();
  /** Of the script that runs. */
  #stay: Stays | undefined;
  /** Names of the keys that the script may use; undefined when it may use any. */
  #declared: ReadonlySet<string> | undefined;
  /** Database and flags of the command at hand. */
  #database = 0;
  #flags = 0;
  /** Commands of scripts on keys of other shards. */
  foreignKeys = 0;

  constructor(options: ScriptExecutorOptions) {
    this.#options = options;
    this.#engine = options.engine;
  }

  /** A script begins, with these keys. */
  begin(name: string, request: Request, keys: readonly string[]): void {
    const { scriptKeys } = this.#engine.settings;
    this.#declared = scriptKeys === 'declared' ? new Set(keys) : undefined;
    const { door } = this.#options;
    if (door === undefined) return;
    const route = keys.length === 0 ? 0 : this.#routeOfArgument(request, FIRST_KEY);
    this.#stay = this.#roamers.staysOf(name, route);
    door.begin(this.#stay.count < STAYS_TRUSTED);
  }

  end(): void {
    const { door } = this.#options;
    if (door === undefined) return;
    const stay = this.#stay as Stays;
    // Once it has roamed it is never trusted again.
    if (door.hasRoamed) stay.count = ROAMS;
    else if (stay.count < STAYS_TRUSTED) stay.count++;
    door.end();
  }

  #routeOfArgument(request: Request, i: number): number {
    const offset = request.offset(i);
    const length = request.length(i);
    const { block } = request;
    const hash = hashBytes(block, offset, length);
    return this.#options.router.routeOf(block, offset, length, hash);
  }

  execute(command: number, spec: CommandSpec, request: Request): void {
    const { door } = this.#options;
    if (door === undefined && this.#declared === undefined) {
      this.#options.execute(command, request);
      return;
    }
    const count = this.#keys.find(spec, request);
    if (this.#declared !== undefined) this.#checkDeclared(this.#declared, request, count);
    if (door === undefined) this.#options.execute(command, request);
    else if (count === 0) this.#executeKeyless(command, spec, request);
    else this.#executeAtOwner(door, command, spec, request, count);
  }

  #checkDeclared(declared: ReadonlySet<string>, request: Request, count: number): void {
    for (let i = 0; i < count; i++) {
      if (!declared.has(request.text(this.#keys.positions[i]!))) {
        throw replyError(errors.scriptUndeclaredKey);
      }
    }
  }

  #executeAtOwner(
    door: Door,
    command: number,
    spec: CommandSpec,
    request: Request,
    count: number,
  ): void {
    const { index } = this.#options;
    const owner = this.#findOwners(request, count);
    if (owner === index) {
      for (let i = 0; i < count; i++) door.touch(this.#hashes[i]!);
      if (this.#keys.positions[0] === 1) request.hash = this.#hashes[0]!;
      this.#options.execute(command, request);
      return;
    }
    this.foreignKeys++;
    if (owner >= 0) {
      const keys = Array.from(this.#hashes.subarray(0, count));
      this.#engine.reply.raw(bufferOf(door.call(owner, callOf(command, request, keys))));
      return;
    }
    this.#executeMixed(command, spec, request, count);
  }

  /** The shard of all keys, or −1 when there are several. */
  #findOwners(request: Request, count: number): number {
    if (count > this.#hashes.length) {
      this.#hashes = new Int32Array(2 * count);
      this.#owners = new Uint8Array(2 * count);
    }
    const { block } = request;
    const { router } = this.#options;
    let owner = -2;
    for (let i = 0; i < count; i++) {
      const position = this.#keys.positions[i]!;
      const offset = request.offset(position);
      const length = request.length(position);
      const hash = hashBytes(block, offset, length);
      const shard = router.shardOf(block, offset, length, hash);
      this.#hashes[i] = hash;
      this.#owners[i] = shard;
      if (owner === -2) owner = shard;
      else if (owner !== shard) owner = -1;
    }
    return owner;
  }

  // Keys on several shards

  #executeMixed(command: number, spec: CommandSpec, request: Request, count: number): void {
    this.#database = request.database;
    this.#flags = request.flags;
    const places = this.#placesOf(spec, request, count);
    const { reply } = this.#engine;
    const words = wordsOf(request);
    if (spec.spread === 'sum') {
      const sums = places.map((place) => integerOf(this.#runAt(place, spec.name, [place.key])));
      reply.integer(sums.reduce((sum, each) => sum + each, 0));
    } else if (spec.spread === 'gather' && places[0]!.position === 1) {
      const replies = places.map((place) => this.#runAt(place, spec.name, [place.key]));
      reply.array(replies.length);
      for (const each of replies) reply.raw(elementsOf(each)![0]!);
    } else if (spec.spread === 'all-ok' && words.length % 2 === 1) {
      const replies = places.map((place) =>
        this.#runAt(place, spec.name, [place.key, words[place.position + 1]!]),
      );
      // A shard that is out of memory refuses its part.
      const refusal = replies.find(isError);
      if (refusal === undefined) reply.ok();
      else reply.raw(refusal);
    } else {
      this.#executeWithGuests(command, request, places);
    }
  }

  #placesOf(spec: CommandSpec, request: Request, count: number): Place[] {
    const isWrite = (spec.flags & (WRITE | MAY_REPLICATE)) !== 0;
    return Array.from({ length: count }, (_, i) => {
      const position = this.#keys.positions[i]!;
      const range = (spec.keys as readonly KeyRange[])[this.#keys.ranges[i]!]!;
      return {
        key: request.bytes(position),
        position,
        hash: this.#hashes[i]!,
        shard: this.#owners[i]!,
        isWritten: isWrite && !isReadOnly(range),
      };
    });
  }

  /** Executes a command here with the values of the others' keys, and takes them back. */
  #executeWithGuests(command: number, request: Request, places: readonly Place[]): void {
    const { index } = this.#options;
    const guests = new Map<string, Place>();
    for (const place of places) {
      if (place.shard === index) {
        this.#options.door?.touch(place.hash);
        continue;
      }
      const name = place.key.latin1Slice();
      const known = guests.get(name);
      guests.set(name, { ...place, isWritten: place.isWritten || known?.isWritten === true });
    }
    const before = [...guests.values()].map((place) => this.#bring(place));
    const answer = this.#runHere(command, request);
    [...guests.values()].forEach((place, i) => {
      this.#takeBack(place, before[i]!);
    });
    this.#engine.reply.raw(answer);
  }

  /** Makes a key of another shard be there for a moment; what it was. */
  #bring(place: Place): Buffer {
    const read = this.#runAt(place, 'HASHLANE.READ', [place.key]);
    if (!isNull(read)) {
      const [value, deadline, clock] = elementsOf(read)!.map(contentOf);
      this.#run('HASHLANE.WRITE', [place.key, value!, deadline!, 'REPLACE', clock!]);
    }
    return read;
  }

  /** Removes such a key, and writes to its shard what became of it. */
  #takeBack(place: Place, before: Buffer): void {
    const after = this.#run('HASHLANE.TAKE', [place.key]);
    if (!place.isWritten || Buffer.compare(before, after) === 0) return;
    if (isNull(after)) {
      this.#runAt(place, 'HASHLANE.DELETE', [place.key]);
      return;
    }
    const [value, deadline, clock] = elementsOf(after)!.map(contentOf);
    this.#runAt(place, 'HASHLANE.WRITE', [place.key, value!, deadline!, 'REPLACE', clock!]);
  }

  /** Runs a command of the table where a key is. */
  #runAt({ hash, shard }: Place, name: string, words: Words): Buffer {
    const { door, index } = this.#options;
    if (shard !== index) return this.#runOn(shard, name, words, [hash]);
    door?.touch(hash);
    return this.#run(name, words);
  }

  #runOn(shard: number, name: string, words: Words, keys: readonly number[]): Buffer {
    const { door } = this.#options;
    const call = callOf(commandNumber(name), this.#requestOf(words), keys);
    return bufferOf((door as Door).call(shard, call));
  }

  /** Runs a command of the table here and returns its reply. */
  #run(name: string, words: Words): Buffer {
    return this.#runHere(commandNumber(name), this.#requestOf(words));
  }

  #runHere(command: number, request: Request): Buffer {
    const { reply } = this.#engine;
    const start = reply.position;
    this.#options.execute(command, request);
    const answer = Buffer.from(reply.block.bytes.subarray(start, reply.position));
    reply.position = start;
    return answer;
  }

  /** Words after the name as a request like the one at hand. */
  #requestOf(words: Words): Request {
    const request = requestOf(words);
    request.database = this.#database;
    request.flags = this.#flags;
    return request;
  }

  // All keys

  #executeKeyless(command: number, spec: CommandSpec, request: Request): void {
    if (spec.spread !== 'every') {
      this.#options.execute(command, request);
      return;
    }
    this.foreignKeys++;
    this.#database = request.database;
    this.#flags = request.flags;
    const words = wordsOf(request).slice(1);
    switch (spec.name) {
      case 'SCAN':
        this.#scan(words);
        break;
      case 'RANDOMKEY':
        this.#engine.reply.raw(this.#randomKey());
        break;
      case 'DBSIZE':
        this.#engine.reply.integer(
          this.#everywhere(spec.name, words).reduce((sum, each) => sum + integerOf(each), 0),
        );
        break;
      case 'KEYS':
        this.#joinArrays(this.#everywhere(spec.name, words));
        break;
      default:
        // FLUSHALL, FLUSHDB, SWAPDB: all shards answer alike.
        this.#engine.reply.raw(this.#everywhere(spec.name, words)[0]!);
    }
  }

  #everywhere(name: string, words: Words): Buffer[] {
    const { index, router } = this.#options;
    const { shards } = router;
    return Array.from({ length: shards }, (_, shard) =>
      shard === index ? this.#run(name, words) : this.#runOn(shard, name, words, []),
    );
  }

  #joinArrays(replies: readonly Buffer[]): void {
    const { reply } = this.#engine;
    const elements = replies.flatMap((each) => elementsOf(each) ?? []);
    reply.array(elements.length);
    for (const element of elements) reply.raw(element);
  }

  #randomKey(): Buffer {
    const sizes = this.#everywhere('DBSIZE', []).map(integerOf);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    let rest = this.#engine.random.below(Math.max(1, total));
    let shard = 0;
    while (shard < sizes.length - 1 && rest >= sizes[shard]!) rest -= sizes[shard++]!;
    return this.#runAtShard(shard, 'RANDOMKEY', []);
  }

  #runAtShard(shard: number, name: string, words: Words): Buffer {
    return shard === this.#options.index
      ? this.#run(name, words)
      : this.#runOn(shard, name, words, []);
  }

  /** One shard after the other, as for clients: the cursor says which. */
  #scan(words: readonly Buffer[]): void {
    const { reply } = this.#engine;
    const { shards } = this.#options.router;
    const place = readScanCursor(words[0]!.latin1Slice(), shards);
    if (place === undefined) {
      reply.error(errors.invalidCursor);
      return;
    }
    const { bound, shard } = place;
    const answer = this.#runAtShard(shard, 'SCAN', [bound, ...words.slice(1)]);
    if (isError(answer)) {
      reply.raw(answer);
      return;
    }
    const [next, keys] = elementsOf(answer) as [Buffer, Buffer];
    reply.array(2);
    reply.text(String(nextScanCursor(Number(contentOf(next).latin1Slice()), shard, shards)));
    reply.raw(keys);
  }
}

/** A key of a command, and where it is. */
interface Place {
  readonly key: Buffer;
  /** Argument number. */
  readonly position: number;
  readonly hash: number;
  readonly shard: number;
  readonly isWritten: boolean;
}

/** Arguments of a request, the name (which is not in it) first. */
function wordsOf(request: Request): Buffer[] {
  return Array.from({ length: request.argc }, (_, i) => request.bytes(i));
}

function requestOf(words: Words): Request {
  const parts = words.map((word) =>
    typeof word === 'string' ? Buffer.from(word, 'latin1') : word,
  );
  const spans = new Int32Array(2 * parts.length + 2);
  let at = 0;
  parts.forEach((part, i) => {
    spans[2 * i + 2] = at;
    spans[2 * i + 3] = part.length;
    at += part.length;
  });
  const request = new Request(new Block(Buffer.concat(parts)), spans);
  request.argc = parts.length + 1;
  return request;
}

/** Bytes that came through a port, which makes plain arrays of buffers. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A request as a message; its arguments may lie anywhere in its block. */
function callOf(
  command: number,
  request: Request,
  keys: readonly number[],
): Omit<DoorCall, 'type' | 'number' | 'generation'> {
  const { argc, block, database, flags } = request;
  const spans = new Int32Array(2 * (argc - 1));
  let size = 0;
  for (let i = 1; i < argc; i++) {
    spans[2 * i - 2] = size;
    spans[2 * i - 1] = request.length(i);
    size += request.length(i);
  }
  const bytes = Buffer.allocUnsafeSlow(size);
  for (let i = 1; i < argc; i++) {
    const from = request.offset(i);
    block.bytes.copy(bytes, spans[2 * i - 2], from, from + request.length(i));
  }
  return { command, database, flags, spans, bytes, keys };
}

/** The request of a call from another shard. */
export function requestOfCall({ bytes, database, flags, spans }: DoorCall): Request {
  const all = new Int32Array(spans.length + 2);
  all.set(spans, 2);
  const request = new Request(new Block(bufferOf(bytes)), all);
  request.argc = all.length / 2;
  request.database = database;
  request.flags = flags;
  return request;
}

/** The bytes of a bulk string, or the digits of an integer. */
function contentOf(element: Buffer): Buffer {
  return bulkOf(element) ?? element.subarray(1, element.length - 2);
}
