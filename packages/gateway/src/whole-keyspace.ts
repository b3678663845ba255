/**
 * Commands that concern the keys of all shards: DBSIZE, KEYS, SCAN, RANDOMKEY, FLUSHALL and their
 * like, joined from every shard's answer.
 *
 * A cursor of SCAN is (bound of key hashes in the shard) × shards + shard number, so that a client
 * walks one shard after the other; 0 begins and ends as always.
 */
import { bulkOf, elementsOf, errors, integerOf, isError, isNull } from '@hashlane/resp';
import { joinDigests, nextScanCursor, readScanCursor } from '@hashlane/shard-worker';
import { type Coordinated, firstError } from './coordinator.ts';
import type { ReplyFunction } from './server-command.ts';

type Join = (command: Coordinated) => Promise<ReplyFunction>;

const JOINS: { readonly [name: string]: Join } = {
  DBSIZE: joinSums,
  KEYS: joinArrays,
  SCAN: scan,
  RANDOMKEY: randomKey,
  FLUSHDB: allAlike,
  FLUSHALL: allAlike,
  SWAPDB: swap,
  'DEBUG|DIGEST': digest,
  'DEBUG|POPULATE': populate,
  'DEBUG|HTSTATS': concatenated,
};

/** Runs a command on every shard and joins the answers. */
export function everyShard(command: Coordinated): Promise<ReplyFunction> {
  const join = JOINS[command.entry.spec.name] ?? allAlike;
  return join(command);
}

/** Sends the command as it came to all shards in one turn. */
function toAll(command: Coordinated): Promise<Buffer[]> {
  const { name } = command.entry.spec;
  return Promise.all(
    command.gateway.shards.links.map((_, i) => command.call(i, name, command.words)),
  );
}

/** All shards answer the same, unless one fails. */
async function allAlike(command: Coordinated): Promise<ReplyFunction> {
  const replies = await toAll(command);
  return firstError(replies) ?? ((reply) => reply.raw(replies[0]));
}

/** SWAPDB: keys of all shards appear at once. */
function swap(command: Coordinated): Promise<ReplyFunction> {
  command.gateway.coordinator.guardWaits(undefined);
  return allAlike(command);
}

async function joinSums(command: Coordinated): Promise<ReplyFunction> {
  const replies = await toAll(command);
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  const sum = replies.reduce((total, reply) => total + integerOf(reply), 0);
  return (reply) => reply.integer(sum);
}

async function joinArrays(command: Coordinated): Promise<ReplyFunction> {
  const replies = await toAll(command);
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  const elements = replies.flatMap((reply) => elementsOf(reply) ?? []);
  return (reply) => {
    reply.array(elements.length);
    for (const element of elements) reply.raw(element);
  };
}

async function concatenated(command: Coordinated): Promise<ReplyFunction> {
  const replies = await toAll(command);
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  const text = replies.map((reply) => bulkOf(reply)?.latin1Slice() ?? '').join('');
  return (reply) => reply.verbatim('txt', text);
}

/** A shard is chosen with the weight of its keys, then one of its keys. */
async function randomKey(command: Coordinated): Promise<ReplyFunction> {
  const { links } = command.gateway.shards;
  const sizes = await Promise.all(
    links.map(async (_, i) => integerOf(await command.call(i, 'DBSIZE', ['DBSIZE']))),
  );
  let rest = Math.floor(Math.random() * sizes.reduce((sum, size) => sum + size, 0));
  let shard = 0;
  while (shard < sizes.length - 1 && rest >= sizes[shard]) rest -= sizes[shard++];
  for (let tried = 0; tried < links.length; tried++) {
    const answer = await command.call(shard, 'RANDOMKEY', ['RANDOMKEY']);
    // Its last key may have expired meanwhile: then another shard is asked.
    if (!isNull(answer)) return (reply) => reply.raw(answer);
    shard = (shard + 1) % links.length;
  }
  return (reply) => reply.null();
}

async function scan(command: Coordinated): Promise<ReplyFunction> {
  const { gateway, words } = command;
  const shards = gateway.shards.links.length;
  const place = readScanCursor(words[1].latin1Slice(), shards);
  if (place === undefined) return (reply) => reply.error(errors.invalidCursor);
  const { bound, shard } = place;
  const answer = await command.call(shard, 'SCAN', ['SCAN', bound, ...words.slice(2)]);
  if (isError(answer)) return (reply) => reply.raw(answer);
  const [next, keys] = elementsOf(answer) as [Buffer, Buffer];
  const nextBound = Number((bulkOf(next) as Buffer).latin1Slice());
  return (reply) => {
    reply.array(2);
    reply.text(String(nextScanCursor(nextBound, shard, shards)));
    reply.raw(keys);
  };
}

/** DEBUG DIGEST: every shard gives its databases' digests; equal databases are combined. */
async function digest(command: Coordinated): Promise<ReplyFunction> {
  const replies = await Promise.all(
    command.gateway.shards.links.map((_, i) =>
      command.call(i, 'HASHLANE.DIGEST', ['HASHLANE.DIGEST']),
    ),
  );
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  const parts = replies.map((reply) => {
    const elements = elementsOf(reply) ?? [];
    const databases: { database: number; digest: Buffer }[] = [];
    for (let i = 0; i < elements.length; i += 2) {
      const bytes = bulkOf(elements[i + 1]) as Buffer;
      databases.push({ database: integerOf(elements[i]), digest: bytes });
    }
    return databases;
  });
  const hex = joinDigests(parts.flat());
  return (reply) => reply.simple(hex);
}

/** DEBUG POPULATE names keys of every shard: they are set one by one where they belong. */
async function populate(command: Coordinated): Promise<ReplyFunction> {
  const { gateway, words } = command;
  const text = (i: number): string | undefined => words[i]?.latin1Slice();
  const count = Number(text(2));
  const size = Number(text(4) ?? 0);
  if (!Number.isInteger(count) || count < 0 || !Number.isInteger(size) || size < 0) {
    return (reply) => reply.error(errors.outOfRangePositive);
  }
  const prefix = text(3) ?? 'key';
  const BATCH = 1000;
  for (let from = 0; from < count; from += BATCH) {
    const sets: Promise<Buffer>[] = [];
    for (let i = from; i < Math.min(count, from + BATCH); i++) {
      const key = Buffer.from(`${prefix}:${i}`, 'latin1');
      const value = `value:${i}`;
      const sized = size === 0 ? value : value.slice(0, size).padEnd(size, '\0');
      sets.push(command.call(gateway.placement.shardOfKey(key), 'SET', ['SET', key, sized, 'NX']));
    }
    await Promise.all(sets);
  }
  return (reply) => reply.ok();
}
