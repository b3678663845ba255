/**
 * What a script returns as a reply to its client.
 *
 * Numbers are cut to integers, false and nil are null, true is 1; after redis.setresp(3) booleans
 * stay booleans. Tables are
 * arrays up to their first nil, unless they have one of the fields `err`, `ok`, `double`, `map`,
 * `set`, `big_number` or `verbatim_string`, looked for in this order. Conversions: "Lua API
 * reference" of the Redis documentation.
 *
 * Tables nest as deep as Lua's stack in Redis allows, which JavaScript's does not: what is open is
 * kept in a list here.
 */
import { formatDouble17 } from '@hashlane/core';
import { LuaTable, type LuaValue } from '@hashlane/lua';
import { errors, type ReplyWriter } from '@hashlane/resp';
import { isCounted, untilZero } from './error-table.ts';
import { REPLY_STACK_SLOTS } from './limits.ts';

const INT64_MIN = -9223372036854775808n;
const INT64_LIMIT = 2 ** 63;

/** Slots of Lua's stack that Redis takes for a level of an array, and of a map or a set. */
const ARRAY_SLOTS = 1;
const PAIRS_SLOTS = 3;

/** An aggregate of which elements are still to be written. */
interface OpenAggregate {
  readonly values: readonly LuaValue[];
  /** Of `values`, how many are written, and how many there are. */
  at: number;
  readonly length: number;
  /** Slots taken by this one and those around it. */
  readonly slots: number;
}

/** Writes a value; `reply.protocol` is the client's, `protocol` what the script has chosen. */
export function encodeReply(reply: ReplyWriter, value: LuaValue, protocol: 2 | 3): void {
  const hasBooleans = protocol === 3;
  let next = writeOne(reply, value, 0, hasBooleans);
  if (next === undefined) return;
  const open: OpenAggregate[] = [];
  for (;;) {
    if (next !== undefined) open.push(next);
    const inner = open.at(-1);
    if (inner === undefined) return;
    next = undefined;
    if (inner.at === inner.length) open.pop();
    else next = writeOne(reply, inner.values[inner.at++], inner.slots, hasBooleans);
  }
}

/** Writes a value, or the head of an aggregate, which is returned. */
function writeOne(
  reply: ReplyWriter,
  value: LuaValue,
  slots: number,
  hasBooleans: boolean,
): OpenAggregate | undefined {
  switch (typeof value) {
    case 'string':
      reply.text(value);
      return undefined;
    case 'number':
      writeNumber(reply, value);
      return undefined;
    case 'boolean':
      writeBoolean(reply, value, hasBooleans);
      return undefined;
    case 'object':
      if (value instanceof LuaTable) return writeTable(reply, value, slots);
  }
  reply.null();
  return undefined;
}

/** A script that chose RESP3 has booleans; for its client in RESP2 they are 1 and 0. */
function writeBoolean(reply: ReplyWriter, value: boolean, hasBooleans: boolean): void {
  if (hasBooleans && reply.protocol === 3) reply.boolean(value);
  else if (hasBooleans) reply.integer(value ? 1 : 0);
  else if (value) reply.integer(1);
  else reply.null();
}

/** As a C cast to a 64-bit integer on x86: what does not fit is the smallest. */
function writeNumber(reply: ReplyWriter, value: number): void {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) reply.integer(whole === 0 ? 0 : whole);
  else if (whole >= -INT64_LIMIT && whole < INT64_LIMIT) reply.bigInteger(BigInt(whole));
  else reply.bigInteger(INT64_MIN);
}

function writeTable(reply: ReplyWriter, table: LuaTable, slots: number): OpenAggregate | undefined {
  if (slots >= REPLY_STACK_SLOTS) {
    reply.error(errors.scriptReplyDepth);
    return undefined;
  }
  const { array, hash } = table;
  if (hash !== undefined && hash.size > 0) {
    if (writeTyped(reply, table)) return undefined;
    const pairs = writePairs(reply, table, slots);
    if (pairs !== undefined) return pairs;
    if (writeRare(reply, table)) return undefined;
  }
  const hole = array.indexOf(undefined);
  const length = hole < 0 ? array.length : hole;
  reply.array(length);
  return { values: array, at: 0, length, slots: slots + ARRAY_SLOTS };
}

/** Tables with a field that says what they stand for. */
function writeTyped(reply: ReplyWriter, table: LuaTable): boolean {
  const err = textField(table, 'err');
  if (err !== undefined) {
    if (isCounted(table)) reply.countedError(untilZero(err));
    else reply.error(untilZero(err));
    return true;
  }
  const ok = textField(table, 'ok');
  if (ok !== undefined) {
    reply.simple(untilZero(ok).replace(/[\r\n]/g, ' '));
    return true;
  }
  const double = table.getField('double');
  if (typeof double !== 'number') return false;
  reply.double(formatDouble17(double));
  return true;
}

/** The head of a map or a set. */
function writePairs(reply: ReplyWriter, table: LuaTable, slots: number): OpenAggregate | undefined {
  const map = table.getField('map');
  const set = map instanceof LuaTable ? undefined : table.getField('set');
  const source = set ?? map;
  if (!(source instanceof LuaTable)) return undefined;
  const values: LuaValue[] = [];
  for (let at = source.next(undefined); at !== undefined; at = source.next(at.key)) {
    if (source === set) values.push(at.key);
    else values.push(at.key, at.value);
  }
  if (source === set) reply.set(values.length);
  else reply.map(values.length / 2);
  return { values, at: 0, length: values.length, slots: slots + PAIRS_SLOTS };
}

function writeRare(reply: ReplyWriter, table: LuaTable): boolean {
  const big = textField(table, 'big_number');
  if (big !== undefined) {
    reply.bigNumber(big.replace(/[\r\n]/g, ' '));
    return true;
  }
  const verbatim = table.getField('verbatim_string');
  if (!(verbatim instanceof LuaTable)) return false;
  const text = textField(verbatim, 'string');
  const format = textField(verbatim, 'format');
  if (text === undefined || format === undefined) return false;
  reply.verbatim(format.slice(0, 3).padEnd(3, '\0'), text);
  return true;
}

function textField(table: LuaTable, name: string): string | undefined {
  const value = table.getField(name);
  return typeof value === 'string' ? value : undefined;
}
