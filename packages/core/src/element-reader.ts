/**
 * All elements of a list, set or sorted set in its own order, for commands that work on whole
 * collections whatever their type (SORT). Cost: one copy of the elements; not for the hot path.
 */
import { ReplyWriter } from '@hashlane/resp';
import type { Engine } from './engine.ts';
import { LIST, SET, ZSET } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { ListValue } from './list-value.ts';
import { SetValue } from './set-value.ts';
import { ZsetValue } from './zset-value.ts';

const SCRATCH_BYTES = 16 * 1024;
const CR = 13;

const list = new ListValue();
const set = new SetValue();
const zset = new ZsetValue();

/** True for the types that `readElements` reads. */
export function hasElements(type: number): boolean {
  return type === LIST || type === SET || type === ZSET;
}

/** The elements of an entry of one of these types, in memory of their own. */
export function readElements(engine: Engine, keyspace: Keyspace, reference: number): Buffer[] {
  const { arena } = keyspace;
  const { settings } = engine;
  const writer = new ReplyWriter(SCRATCH_BYTES);
  switch (keyspace.typeOf(reference)) {
    case LIST:
      list.open(arena, reference, settings.listMaxListpackSize);
      list.range(writer, 0, list.length);
      break;
    case SET:
      set.open(arena, reference, settings).writeAll(writer);
      break;
    default:
      writeMembers(zset.open(arena, reference, settings), writer);
  }
  return bulksOf(writer.block.bytes, writer.position);
}

function writeMembers(members: ZsetValue, writer: ReplyWriter): void {
  for (let isThere = members.seek(0); isThere; isThere = members.stepForward()) {
    members.replyMember(writer);
  }
}

/** The bulk strings that bytes[0, end) consist of, as views. */
function bulksOf(bytes: Buffer, end: number): Buffer[] {
  const bulks: Buffer[] = [];
  for (let at = 0; at < end; ) {
    const line = bytes.indexOf(CR, at);
    const from = line + 2;
    const to = from + Number(bytes.latin1Slice(at + 1, line));
    bulks.push(bytes.subarray(from, to));
    at = to + 2;
  }
  return bulks;
}
