/**
 * Commands that carry something from one key to another when the keys are on two shards: RENAME,
 * RENAMENX, COPY, SMOVE, LMOVE, RPOPLPUSH and the blocking forms of the last two.
 *
 * The order of checks and errors is Redis's. Nothing is lost on the way: a value or an element that
 * the target's shard refuses goes back where it was.
 */
import { bulkOf, elementsOf, errors, integerOf, isError, isNull } from '@hashlane/resp';
import { REQUEST_GIVES_WAY } from '@hashlane/shard-worker';
import { integer } from './commands/arguments.ts';
import type { Coordinated } from './coordinator.ts';
import { FIRST_KEY_TRIES_MAX } from './limits.ts';
import type { ReplyFunction } from './server-command.ts';
import type { Wait } from './shard-wait.ts';
import { NO_ANSWER, type ShardWaits } from './shard-waits.ts';

/** The source had nothing to give; a blocking command may then wait. */
const NOTHING: ReplyFunction = (reply) => reply.null();
/** There is a source, but somebody else who waits for it is just being served, or was faster. */
const GONE: ReplyFunction = (reply) => reply.null();
/** The time is up: every blocking command answers with the null of arrays. */
const TIMED_OUT: ReplyFunction = (reply) => reply.nullArray();
const WRONG_TYPE: ReplyFunction = (reply) => reply.error(errors.wrongType);

/** Runs a two-key command over two shards. */
export function runMove(command: Coordinated, waits: ShardWaits): Promise<ReplyFunction> {
  switch (command.entry.spec.name) {
    case 'RENAME':
      return command.isolated(() => rename(command, 'REPLACE'));
    case 'RENAMENX':
      return command.isolated(() => rename(command, 'ABSENT'));
    case 'COPY':
      return command.isolated(() => copy(command));
    case 'SMOVE':
      return command.isolated(() => moveMember(command));
    case 'LMOVE':
    case 'RPOPLPUSH':
      return command.isolated(() => moveElement(command));
    default:
      return moveElementBlocking(command, waits);
  }
}

interface CarriedValue {
  readonly value: Buffer;
  readonly deadline: string;
  readonly clock: string;
}

/** Reads or takes the source's value; undefined when the key is missing, or an error's reply. */
async function readValue(
  command: Coordinated,
  name: 'HASHLANE.READ' | 'HASHLANE.TAKE',
): Promise<CarriedValue | ReplyFunction | undefined> {
  const answer = await command.call(command.owners[0], name, ['', command.words[1]]);
  if (isError(answer)) return (reply) => reply.raw(answer);
  const parts = elementsOf(answer);
  if (parts === undefined) return undefined;
  return {
    value: bulkOf(parts[0]) as Buffer,
    deadline: String(integerOf(parts[1])),
    clock: String(integerOf(parts[2])),
  };
}

async function rename(command: Coordinated, mode: 'REPLACE' | 'ABSENT'): Promise<ReplyFunction> {
  const { owners, words } = command;
  if (mode === 'ABSENT') {
    const types = await typesOf(command);
    if (typeof types === 'function') return types;
    const [sourceType, targetType] = types;
    if (sourceType === 'none') return (reply) => reply.error(errors.noSuchKey);
    if (targetType !== 'none') return (reply) => reply.integer(0);
  }
  // Taken, not read: a blocked BLMOVE of the source's shard may put an element there meanwhile.
  const source = await readValue(command, 'HASHLANE.TAKE');
  if (source === undefined) return (reply) => reply.error(errors.noSuchKey);
  if (typeof source === 'function') return source;
  const { value, deadline, clock } = source;
  const rest = [value, deadline, 'REPLACE', clock];
  const written = await command.call(owners[1], 'HASHLANE.WRITE', ['', words[2], ...rest]);
  if (isError(written)) {
    await command.call(owners[0], 'HASHLANE.WRITE', ['', words[1], ...rest]);
    return (reply) => reply.raw(written);
  }
  return mode === 'REPLACE' ? (reply) => reply.ok() : (reply) => reply.integer(1);
}

/** COPY source target [DB n] [REPLACE]. */
async function copy(command: Coordinated): Promise<ReplyFunction> {
  const { gateway, owners, words } = command;
  let database = command.database;
  let mode = 'ABSENT';
  for (let i = 3; i < words.length; i++) {
    const option = words[i].latin1Slice().toUpperCase();
    if (option === 'REPLACE') {
      mode = 'REPLACE';
    } else if (option === 'DB' && i + 1 < words.length) {
      const value = integer(words[++i].latin1Slice());
      const error = databaseError(value, gateway.configuration.values.databases);
      if (error !== undefined) return (reply) => reply.error(error);
      database = Number(value);
    } else {
      return (reply) => reply.error(errors.syntax);
    }
  }
  const source = await readValue(command, 'HASHLANE.READ');
  if (source === undefined) return (reply) => reply.integer(0);
  if (typeof source === 'function') return source;
  const written = await command.callIn(database, owners[1], 'HASHLANE.COPY', [
    '',
    words[2],
    source.value,
    source.deadline,
    mode,
  ]);
  return (reply) => reply.raw(written);
}

/** What is wrong with the number of a database, or undefined. */
function databaseError(value: number | undefined, databases: number): string | undefined {
  if (value === undefined) return errors.notInteger;
  if ((value | 0) !== value) return errors.databaseNotInt32;
  return value >= 0 && value < databases ? undefined : errors.databaseOutOfRange;
}

interface Ends {
  readonly from: string;
  readonly to: string;
}

/** Which ends a command moves between; undefined for a syntax error. */
function endsOf({ entry, words }: Coordinated): Ends | undefined {
  if (entry.spec.name.endsWith('RPOPLPUSH')) return { from: 'RIGHT', to: 'LEFT' };
  const from = words[3].latin1Slice().toUpperCase();
  const to = words[4].latin1Slice().toUpperCase();
  const isSide = (side: string): boolean => side === 'LEFT' || side === 'RIGHT';
  return isSide(from) && isSide(to) ? { from, to } : undefined;
}

/** Type names of source and target, `none` for a missing key; or the reply of a shard's error. */
async function typesOf({
  call,
  owners,
  words,
}: Coordinated): Promise<readonly string[] | ReplyFunction> {
  const answers = await Promise.all([
    call(owners[0], 'HASHLANE.TYPE', ['', words[1]]),
    call(owners[1], 'HASHLANE.TYPE', ['', words[2]]),
  ]);
  const failure = answers.find(isError);
  if (failure !== undefined) return (reply) => reply.raw(failure);
  return answers.map((answer) => answer.latin1Slice(1, answer.length - 2));
}

/** SMOVE. 0 when the source is missing, whatever the target is. */
async function moveMember(command: Coordinated): Promise<ReplyFunction> {
  const { owners, words } = command;
  const [, source, target, member] = words;
  const types = await typesOf(command);
  if (typeof types === 'function') return types;
  const [sourceType, targetType] = types;
  if (sourceType === 'none') return (reply) => reply.integer(0);
  if (sourceType !== 'set' || (targetType !== 'set' && targetType !== 'none')) return WRONG_TYPE;
  const removed = await command.call(owners[0], 'SREM', ['SREM', source, member]);
  if (isError(removed) || integerOf(removed) === 0) return (reply) => reply.raw(removed);
  const added = await command.call(owners[1], 'SADD', ['SADD', target, member]);
  if (!isError(added)) return (reply) => reply.integer(1);
  await command.call(owners[0], 'SADD', ['SADD', source, member]);
  return (reply) => reply.raw(added);
}

/**
 * LMOVE and RPOPLPUSH. Null when the source is missing, whatever the target is. `wait`: the number of
 * the wait that this is for, 0 for one that has yet to come, and then nothing too when somebody else
 * who waits for the source is being served.
 */
async function moveElement(command: Coordinated, wait?: number): Promise<ReplyFunction> {
  const ends = endsOf(command);
  if (ends === undefined) return (reply) => reply.error(errors.syntax);
  const { owners, words } = command;
  const types = await typesOf(command);
  if (typeof types === 'function') return types;
  const [sourceType, targetType] = types;
  if (sourceType === 'none') return NOTHING;
  if (sourceType !== 'list' || (targetType !== 'list' && targetType !== 'none')) return WRONG_TYPE;
  const flags = wait === undefined ? command.flags : command.flags | REQUEST_GIVES_WAY;
  const popping = ['', words[1], ends.from];
  const popped = await command.callAs(flags, owners[0], 'HASHLANE.POP', popping, wait);
  if (isError(popped)) return WRONG_TYPE;
  if (isNull(popped)) return GONE;
  return pushElement(command, ends, bulkOf(popped) as Buffer);
}

/** Puts a popped element on the target; back on the source when the target refuses. */
async function pushElement(
  command: Coordinated,
  ends: Ends,
  element: Buffer,
): Promise<ReplyFunction> {
  const { owners, words } = command;
  const pushed = await command.call(owners[1], 'HASHLANE.PUSH', ['', words[2], ends.to, element]);
  if (!isError(pushed)) return (reply) => reply.buffer(element);
  await command.call(owners[0], 'HASHLANE.PUSH', ['', words[1], ends.from, element]);
  return (reply) => reply.raw(pushed);
}

/**
 * Moves for one who waits; undefined when there is nothing. Who looks for the last time looks again
 * while those before it are being served.
 */
async function attemptMove(command: Coordinated, wait: Wait): Promise<ReplyFunction | undefined> {
  for (let i = 0; i < FIRST_KEY_TRIES_MAX; i++) {
    const found = await command.apart(() =>
      command.isolated(async () => (wait.isOver ? NOTHING : moveElement(command, wait.id))),
    );
    // Whose time is up is not told what would be wrong.
    if (found === NOTHING || (found === WRONG_TYPE && wait.isEnding)) return undefined;
    if (found !== GONE) return found;
    if (!wait.isEnding) return undefined;
  }
  return undefined;
}

/**
 * BLMOVE and BRPOPLPUSH: waits for the source alone. When it is there the command is done anew, as a
 * transaction like the first time, so nobody sees the element in neither list; its shard serves
 * nobody else from the source meanwhile.
 */
async function moveElementBlocking(
  command: Coordinated,
  waits: ShardWaits,
): Promise<ReplyFunction> {
  const { words } = command;
  const timeout = words[words.length - 1];
  const ends = endsOf(command);
  if (ends === undefined) return (reply) => reply.error(errors.syntax);
  const invalid = waits.checkTimeout(timeout);
  if (invalid !== undefined) return (reply) => reply.error(invalid);
  const atOnce = await command.apart(() =>
    command.isolated(() => moveElement(command, command.isWithin ? undefined : 0)),
  );
  if (atOnce !== NOTHING && atOnce !== GONE) return atOnce;
  if (command.isWithin) return NOTHING;
  let moved: ReplyFunction | undefined;
  const answer = await waits.waitAnnounced(
    command,
    { shard: command.owners[0], keys: [words[1]] },
    timeout,
    async (wait) => {
      const found = await attemptMove(command, wait);
      if (found === undefined) return undefined;
      moved = found;
      return NO_ANSWER;
    },
  );
  if (moved !== undefined) return moved;
  if (answer === undefined) return TIMED_OUT;
  return isError(answer) ? (reply) => reply.raw(answer) : TIMED_OUT;
}
