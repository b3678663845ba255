/** JSON's null, which a Lua table cannot hold: `cjson.null`, one for all runtimes. */
import { LuaUserdata } from '../values.ts';

export const JSON_NULL: LuaUserdata = new LuaUserdata('(nil)');
