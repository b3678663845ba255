/**
 * redis.register_function: what a library says of one of its functions, in either form:
 *
 *   redis.register_function('name', callback)
 *   redis.register_function{function_name = 'name', callback = callback,
 *                           flags = {'no-writes'}, description = 'text'}
 *
 * Checks and texts are Redis's.
 */
import { type LuaFunction, LuaTable, type LuaValue, numberToText } from '@hashlane/lua';
import { registrationErrors } from '@hashlane/resp';
import { raised } from './error-table.ts';
import { isFunctionName } from './library-header.ts';
import { isScriptFlag, type ScriptFlag } from './shebang.ts';

/** A function as its library describes it. */
export interface Registration {
  readonly name: string;
  readonly description: string | undefined;
  readonly flags: ReadonlySet<ScriptFlag>;
  readonly callback: LuaFunction;
}

const NO_FLAGS: ReadonlySet<ScriptFlag> = new Set();

/** Reads the arguments of a call; throws what is wrong with them. */
export function readRegistration(args: readonly LuaValue[]): Registration {
  const registration = readForm(args);
  if (!isFunctionName(registration.name)) throw raised(registrationErrors.badName);
  return registration;
}

function readForm(args: readonly LuaValue[]): Registration {
  const [first, callback] = args;
  if (args.length === 1) {
    if (first instanceof LuaTable) return readNamed(first);
    throw raised(registrationErrors.notTable);
  }
  if (args.length !== 2) throw raised(registrationErrors.argumentCount);
  const name = textOf(first);
  if (name === undefined) throw raised(registrationErrors.firstNotText);
  if (typeof callback !== 'function') throw raised(registrationErrors.secondNotFunction);
  return { name, description: undefined, flags: NO_FLAGS, callback };
}

function readNamed(table: LuaTable): Registration {
  let name: string | undefined;
  let description: string | undefined;
  let callback: LuaFunction | undefined;
  let flags = NO_FLAGS;
  for (let at = table.next(undefined); at !== undefined; at = table.next(at.key)) {
    const key = textOf(at.key);
    if (key === undefined) throw raised(registrationErrors.keyNotText);
    switch (key.toLowerCase()) {
      case 'function_name':
        name = textIn(at.value, registrationErrors.nameNotText);
        break;
      case 'description':
        description = textIn(at.value, registrationErrors.descriptionNotText);
        break;
      case 'callback':
        if (typeof at.value !== 'function') throw raised(registrationErrors.callbackNotFunction);
        callback = at.value;
        break;
      case 'flags':
        flags = readFlags(at.value);
        break;
      default:
        throw raised(registrationErrors.unknownArgument);
    }
  }
  if (name === undefined) throw raised(registrationErrors.noName);
  if (callback === undefined) throw raised(registrationErrors.noCallback);
  return { name, description, flags, callback };
}

function readFlags(value: LuaValue): ReadonlySet<ScriptFlag> {
  if (!(value instanceof LuaTable)) throw raised(registrationErrors.flagsNotTable);
  const flags = new Set<ScriptFlag>();
  for (let at = 1; ; at++) {
    const flag = value.get(at);
    if (flag === undefined) return flags;
    const word = textOf(flag)?.toLowerCase() ?? '';
    if (!isScriptFlag(word)) throw raised(registrationErrors.unknownFlag);
    flags.add(word);
  }
}

function textIn(value: LuaValue, problem: string): string {
  const text = textOf(value);
  if (text === undefined) throw raised(problem);
  return text;
}

function textOf(value: LuaValue): string | undefined {
  if (typeof value === 'number') return numberToText(value);
  return typeof value === 'string' ? value : undefined;
}
