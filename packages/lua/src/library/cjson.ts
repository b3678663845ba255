/**
 * `cjson`, as lua-cjson 2.1 in Redis: json-encoder.ts, json-decoder.ts, and settings that hold for
 * this library until they are changed, from script to script. `new` gives a library of its own.
 */
import { badArgument } from '../errors.ts';
import { LuaTable } from '../table.ts';
import type { LuaResult, LuaValue } from '../values.ts';
import { stringArgument } from './arguments.ts';
import { JsonDecoder } from './json-decoder.ts';
import { JsonEncoder } from './json-encoder.ts';
import { JSON_NULL } from './json-null.ts';
import { JsonSettings, settingFunctions } from './json-settings.ts';
import { failingHere } from './nested-failure.ts';

const VERSION = '2.1.0';

/** A new table `cjson` with the settings as they are at first. */
export function cjsonLibrary(): LuaTable {
  const settings = new JsonSettings();
  const encode = (...args: LuaValue[]): LuaResult => {
    if (args.length !== 1) throw badArgument(1, 'encode', 'expected 1 argument');
    return failingHere(() => new JsonEncoder(settings).encode(args[0]));
  };
  const decode = (...args: LuaValue[]): LuaResult => {
    if (args.length !== 1) throw badArgument(1, 'decode', 'expected 1 argument');
    const text = stringArgument(args, 1, 'decode');
    return failingHere(() => new JsonDecoder(settings, text).decode());
  };
  return LuaTable.of([
    ['_NAME', 'cjson'],
    ['_VERSION', VERSION],
    ['decode', decode],
    ['encode', encode],
    ['new', cjsonLibrary],
    ['null', JSON_NULL],
    ...settingFunctions(settings),
  ]);
}
