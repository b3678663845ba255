/**
 * XREAD and XREADGROUP of streams on several shards.
 *
 *   check   XREADGROUP only: every key, its group and its ID, so that nothing is delivered when the
 *           command is an error; the first error in the order of the keys is the answer
 *   read    each key by a command of its own on its shard, without blocking; what the replies hold
 *           is joined in the order of the keys
 *   wait    with BLOCK, when nothing was there: one waiter in each shard, all with one claim
 *           (shard-waits.ts). A shard that has an entry wins and answers for its own streams; the
 *           others had none
 *
 * The keys of XREADGROUP are locked during the first two, XREAD is sent in one turn; nothing is
 * locked while it waits (isolation.ts).
 *
 * `$` is the end of a stream at the moment when its shard registers the waiter. The read that goes
 * before cannot find anything behind it.
 */

import type { ReplyWriter } from '@hashlane/resp';
import { isNull } from '@hashlane/resp';
import { REQUEST_RESP3 } from '@hashlane/shard-worker';
import { type Coordinated, firstError } from './coordinator.ts';
import { useOf } from './isolation.ts';
import type { ReplyFunction } from './server-command.ts';
import type { ShardKeys, ShardWaits } from './shard-waits.ts';

interface Parts {
  /** Everything before the first key, the name and STREAMS included. */
  readonly head: readonly Buffer[];
  readonly timeout: Buffer | undefined;
  readonly ids: readonly Buffer[];
}

/** Runs XREAD or XREADGROUP over several shards. */
export async function readStreams(command: Coordinated, waits: ShardWaits): Promise<ReplyFunction> {
  const { keys, owners, words } = command;
  const { name } = command.entry.spec;
  if (words.length - keys[0] !== 2 * keys.length) {
    // Keys and IDs that do not match: any shard replies the error.
    const answer = await command.call(owners[0], name, words);
    return (reply) => reply.raw(answer);
  }
  const parts = takeApart(command);
  const found = await command.apart(() => readKeys(command, parts));
  if (found !== undefined) return found;
  if (parts.timeout === undefined || command.isWithin) return (reply) => reply.nullArray();
  const answer = await waits.wait(command, name, groupsOf(command, parts), parts.timeout);
  if (answer === undefined) return (reply) => reply.nullArray();
  return (reply) => reply.raw(answer);
}

/** Reads all keys, without waiting. Undefined when there is nothing to read. */
function readKeys(command: Coordinated, parts: Parts): Promise<ReplyFunction | undefined> {
  const { gateway, isWithin } = command;
  const isGroup = command.entry.spec.name === 'XREADGROUP';
  const read = (): Promise<ReplyFunction | undefined> => readNow(command, parts, isGroup);
  if (isWithin) return read();
  if (!isGroup) return gateway.isolation.runAtOnce(useOf(command), read);
  // Redis calls its keys read-only, but it moves their groups on.
  const isWritten = command.keys.map(() => true);
  return gateway.isolation.run(useOf({ ...command, isWritten }), read);
}

async function readNow(
  command: Coordinated,
  { head, ids }: Parts,
  isGroup: boolean,
): Promise<ReplyFunction | undefined> {
  if (isGroup) {
    const failure = firstError(await callEach(command, 'HASHLANE.XCHECK', head, ids));
    if (failure !== undefined) return failure;
  }
  // Calls of a coordinator may not block: BLOCK changes nothing in them.
  const replies = await callEach(command, command.entry.spec.name, head, ids);
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  const found = replies.filter((reply) => !isNull(reply)).map((reply) => contentOf(reply));
  return found.length === 0 ? undefined : (reply) => writeFound(reply, command, found);
}

/**
 * The parts of the command. Options are taken as the shards take them; where they are wrong, the
 * shards reply the error.
 */
function takeApart({ keys, words }: Coordinated): Parts {
  const head = words.slice(0, keys[0]);
  let timeout: Buffer | undefined;
  for (let i = 1; i < head.length; i++) {
    const option = head[i].latin1Slice().toUpperCase();
    if (option === 'BLOCK') timeout = head[i + 1];
    if (option === 'GROUP') i += 2;
    else if (option === 'COUNT' || option === 'BLOCK') i++;
  }
  return { head, timeout, ids: words.slice(keys[0] + keys.length) };
}

/** One call for each key, all at once. */
function callEach(
  command: Coordinated,
  name: string,
  head: readonly Buffer[],
  ids: readonly Buffer[],
): Promise<Buffer[]> {
  return Promise.all(
    command.keys.map((position, i) =>
      command.call(command.owners[i], name, [...head, command.words[position], ids[i]]),
    ),
  );
}

/** What a reply for one stream holds: in RESP2 [key, entries], in RESP3 key and entries. */
function contentOf(reply: Buffer): Buffer {
  return reply.subarray(reply.indexOf('\n') + 1);
}

function writeFound(reply: ReplyWriter, { flags }: Coordinated, found: readonly Buffer[]): void {
  if ((flags & REQUEST_RESP3) !== 0) reply.map(found.length);
  else reply.array(found.length);
  for (const content of found) reply.raw(content);
}

/** The command of each shard: its keys and their IDs. */
function groupsOf(command: Coordinated, { head, ids }: Parts): ShardKeys[] {
  const groups = new Map<number, { keys: Buffer[]; ids: Buffer[] }>();
  command.owners.forEach((shard, i) => {
    const group = groups.get(shard) ?? { keys: [], ids: [] };
    group.keys.push(command.words[command.keys[i]]);
    group.ids.push(ids[i]);
    groups.set(shard, group);
  });
  return [...groups].map(([shard, group]) => ({
    shard,
    keys: group.keys,
    words: [...head, ...group.keys, ...group.ids],
  }));
}
