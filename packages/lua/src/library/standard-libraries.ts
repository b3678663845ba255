/** All that scripts find besides the base library and `redis`: one table per library. */
import type { LuaTable } from '../table.ts';
import { bitLibrary } from './bit.ts';
import { cjsonLibrary } from './cjson.ts';
import { cmsgpackLibrary } from './cmsgpack.ts';
import { mathLibrary, ScriptRandom } from './math.ts';
import { osLibrary } from './os.ts';
import { stringLibrary } from './string.ts';
import { structLibrary } from './struct.ts';
import { tableLibrary } from './table.ts';

/**
 * The libraries, for `globals` of a runtime: new tables with state of their own (settings of cjson,
 * random numbers), which lives from script to script as it does in Redis. Runtimes that shall share
 * one sequence of random numbers are given its generator.
 */
export function standardLibraries(
  random: ScriptRandom = new ScriptRandom(),
): (readonly [string, LuaTable])[] {
  return [
    ['bit', bitLibrary()],
    ['cjson', cjsonLibrary()],
    ['cmsgpack', cmsgpackLibrary()],
    ['math', mathLibrary(random)],
    ['os', osLibrary()],
    ['string', stringLibrary()],
    ['struct', structLibrary()],
    ['table', tableLibrary()],
  ];
}
