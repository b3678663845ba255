/**
 * Metatables of all values, and the slow half of indexing: events __index, __newindex, __call.
 *
 * Strings share one metatable for the thread; its `__index` is the string library, which scripts
 * may not change, so runtimes of one thread can share it.
 */
import { type LuaError, luaError } from './errors.ts';
import { LuaTable } from './table.ts';
import { first, type LuaFunction, LuaUserdata, type LuaValue, typeName } from './values.ts';

/** Longest chain of __index tables, as MAXTAGLOOP of Lua 5.1. */
const CHAIN_MAX = 100;

let stringMetatable: LuaTable | undefined;

export function setStringMetatable(metatable: LuaTable): void {
  stringMetatable = metatable;
}

export function metatableOf(value: LuaValue): LuaTable | undefined {
  if (value instanceof LuaTable || value instanceof LuaUserdata) return value.metatable;
  return typeof value === 'string' ? stringMetatable : undefined;
}

export function metamethod(value: LuaValue, event: string): LuaValue {
  return metatableOf(value)?.getField(event);
}

/** `attempt to index local 'x' (a nil value)`; `name` is the part in front. Throw it. */
export function typeError(action: string, value: LuaValue, name?: string): LuaError {
  const type = typeName(value);
  return luaError(
    name === undefined
      ? `attempt to ${action} a ${type} value`
      : `attempt to ${action} ${name} (a ${type} value)`,
  );
}

/** A function to call in place of `value`, which is none. It throws only when it is called. */
export function callable(value: LuaValue, name?: string): LuaFunction {
  if (typeof value === 'function') return value;
  const handler = metamethod(value, '__call');
  if (typeof handler === 'function') return (...args) => handler(value, ...args);
  return () => {
    throw typeError('call', value, name);
  };
}

export function indexSlow(object: LuaValue, key: LuaValue, name?: string): LuaValue {
  let holder = object;
  for (let count = 0; count < CHAIN_MAX; count++) {
    let handler: LuaValue;
    if (holder instanceof LuaTable) {
      const value = holder.get(key);
      if (value !== undefined || holder.metatable === undefined) return value;
      handler = holder.metatable.getField('__index');
      if (handler === undefined) return undefined;
    } else {
      handler = metamethod(holder, '__index');
      if (handler === undefined) throw typeError('index', holder, count === 0 ? name : undefined);
    }
    if (typeof handler === 'function') return first(handler(holder, key));
    holder = handler;
  }
  throw luaError('loop in gettable');
}

export function setIndexSlow(
  object: LuaValue,
  key: LuaValue,
  value: LuaValue,
  name?: string,
): void {
  let holder = object;
  for (let count = 0; count < CHAIN_MAX; count++) {
    let handler: LuaValue;
    if (holder instanceof LuaTable) {
      if (holder.readonly) throw luaError('Attempt to modify a readonly table');
      const isRaw = holder.metatable === undefined || holder.get(key) !== undefined;
      handler = isRaw ? undefined : holder.metatable!.getField('__newindex');
      if (handler === undefined) {
        if (key === undefined) throw luaError('table index is nil');
        if (typeof key === 'number' && Number.isNaN(key)) throw luaError('table index is NaN');
        holder.set(key, value);
        return;
      }
    } else {
      handler = metamethod(holder, '__newindex');
      if (handler === undefined) throw typeError('index', holder, count === 0 ? name : undefined);
    }
    if (typeof handler === 'function') {
      handler(holder, key, value);
      return;
    }
    holder = handler;
  }
  throw luaError('loop in settable');
}
