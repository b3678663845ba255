/**
 * Commands that read keys of several shards and write at most keys of one: SINTER, ZUNIONSTORE,
 * BITOP, LCS and their like. The keys that lie elsewhere are lent to one shard, which runs the
 * command as it is; core's commands/borrow.ts says how.
 *
 * The shard is that of the key the command writes, so that nothing needs to travel back; of several
 * the last one, which is the STORE that counts. A command that only reads runs where most of its
 * keys are. All lenders are asked in one turn.
 */
import { bulkOf, elementsOf, isError } from '@hashlane/resp';
import type { Coordinated } from './coordinator.ts';
import type { ReplyFunction } from './server-command.ts';

/** The shard that a command runs on. */
function homeOf({ keys, owners, isWritten }: Coordinated): number {
  // Keys come range by range: STOREDIST's after STORE's, whatever the order of the arguments.
  let written = -1;
  for (let i = 0; i < keys.length; i++) {
    if (isWritten[i] && (written === -1 || keys[i] > keys[written])) written = i;
  }
  if (written !== -1) return owners[written];
  const counts = new Map<number, number>();
  for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return owners.find((owner) => counts.get(owner) === most) as number;
}

/** The keys to be lent by each shard but `home`, each key once. */
function keysToLend({ keys, owners, words }: Coordinated, home: number): Map<number, Buffer[]> {
  const lent = new Map<number, Buffer[]>();
  const seen = new Set<string>();
  keys.forEach((position, i) => {
    const key = words[position];
    const name = key.latin1Slice();
    if (owners[i] === home || seen.has(name)) return;
    seen.add(name);
    const group = lent.get(owners[i]);
    if (group === undefined) lent.set(owners[i], [key]);
    else group.push(key);
  });
  return lent;
}

/** Runs a command with `spread: 'borrow'` over several shards. */
export async function runWithBorrowed(command: Coordinated): Promise<ReplyFunction> {
  const { entry, words } = command;
  const home = homeOf(command);
  const groups = [...keysToLend(command, home)];
  const replies = await Promise.all(
    groups.map(([shard, keys]) => command.call(shard, 'HASHLANE.LEND', ['', ...keys])),
  );
  const failure = replies.find(isError);
  if (failure !== undefined) return (reply) => reply.raw(failure);
  const borrowed = groups.flatMap(([, keys], i) => {
    const values = elementsOf(replies[i]) ?? [];
    return keys.flatMap((key, j) => {
      const value = bulkOf(values[j]);
      return value === undefined ? [] : [key, value];
    });
  });
  const answer = await command.call(home, 'HASHLANE.BORROW', [
    '',
    String(entry.command),
    String(borrowed.length / 2),
    ...borrowed,
    ...words,
  ]);
  return (reply) => reply.raw(answer);
}
