/**
 * Errors as scripts see them: tables with the reply's text in `err`, as redis.pcall gives them and
 * redis.call throws them.
 */
import { LuaError, LuaTable, type LuaValue } from '@hashlane/lua';

/** Set in the errors of commands: they have been counted when the command replied them. */
const IS_COUNTED = 'ignore_error_stats_update';

/** An error of a command; `text` begins with its code. */
export function commandError(text: string): LuaTable {
  return LuaTable.of([
    [IS_COUNTED, true],
    ['err', text],
  ]);
}

/**
 * An error that a script makes or causes: `-CODE text` or `text`. A text without a space has no code
 * and gets ERR.
 */
export function scriptError(text: string): LuaTable {
  return LuaTable.of([['err', errorText(text)]]);
}

/** Texts of errors and statuses end, as C's, with a zero byte. */
export function untilZero(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** The line of a reply for such a text. */
export function errorText(text: string): string {
  const line = untilZero(text).replace(/^[\r\n]+|[\r\n]+$/g, '');
  if (!line.startsWith('-')) return `ERR ${line}`;
  const body = line.slice(1);
  return body.includes(' ') ? body : `ERR ${body}`;
}

/** Throw it: an error of a library function of `redis`. */
export function raised(text: string): LuaError {
  return new LuaError(scriptError(text));
}

/** Throw it: a command could not be executed; `text` begins with the error's code. */
export function replyError(text: string): LuaError {
  return new LuaError(LuaTable.of([['err', text]]));
}

/** Has the error in a table been counted already? */
export function isCounted(table: LuaTable): boolean {
  return table.getField(IS_COUNTED) === true;
}

/** The text that a reply has for a thrown value, and whether it has been counted as an error. */
export function textOf(value: LuaValue): { text: string; isCounted: boolean } {
  if (value instanceof LuaTable) {
    const err = value.getField('err');
    if (typeof err === 'string') return { text: untilZero(err), isCounted: isCounted(value) };
    return { text: 'ERR unknown error', isCounted: false };
  }
  if (typeof value === 'string') return { text: `ERR ${untilZero(value)}`, isCounted: false };
  return { text: `ERR ${value === undefined ? 'nil' : String(value)}`, isCounted: false };
}
