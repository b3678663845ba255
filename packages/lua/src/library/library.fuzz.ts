/**
 * Random calls of the libraries here and in redis-server; results and errors must be equal.
 *
 *   node packages/lua/src/library/library.fuzz.ts [cjson|cmsgpack|struct] [calls] [first seed]
 */
import { LuaError } from '../errors.ts';
import { RedisServer } from '../redis-server.fixture.ts';
import { createRuntime, type LuaRuntime } from '../runtime.ts';
import type { LuaValue } from '../values.ts';
import { RandomCalls } from './random-calls.fixture.ts';
import { standardLibraries } from './standard-libraries.ts';

const BATCH = 500;

/** Runs in both; gives one string. Settings of cjson are put back before each call. */
function scriptFor(call: string): string {
  return `local function show(v, d) local t = type(v)
if t == 'table' then if d > 20 then return '{..}' end local r = {}
for k, x in pairs(v) do r[#r + 1] = show(k, d + 1) .. '=' .. show(x, d + 1) end
table.sort(r) return '{' .. table.concat(r, ',') .. '}'
elseif t == 'number' then return v ~= v and 'nan' or string.format('%.17g', v)
elseif t == 'function' then return t else return t .. ':' .. tostring(v) end end
local function list(...) local r = {}
for i = 1, select('#', ...) do r[i] = show((select(i, ...)), 0) end
return table.concat(r, ' ') end
cjson.encode_sparse_array(false, 2, 10) cjson.encode_max_depth(1000) cjson.decode_max_depth(1000)
cjson.encode_number_precision(14) cjson.encode_invalid_numbers(false)
cjson.decode_invalid_numbers(true) cjson.encode_keep_buffer(true) local print = pairs
return list(pcall(function() return ${call} end))`.replaceAll('\n', ' ');
}

function runHere(runtime: LuaRuntime, script: string): LuaValue {
  const compiled = runtime.compile(script, 'user_script');
  try {
    return compiled.run([], []) as LuaValue;
  } catch (error) {
    if (error instanceof LuaError) return `-${String(error.value)}`;
    throw error;
  } finally {
    compiled.release();
  }
}

/** Compares calls; gives the ones that differ. */
export async function compareCalls(
  server: RedisServer,
  calls: readonly string[],
): Promise<{ call: string; here: LuaValue; there: string }[]> {
  const runtime = createRuntime({ globals: standardLibraries() });
  const scripts = calls.map(scriptFor);
  const answers = await server.evaluate(scripts);
  return calls.flatMap((call, at) => {
    const there = answers[at]!;
    const here = runHere(runtime, scripts[at]!);
    return here === there ? [] : [{ call, here, there }];
  });
}

/** `count` random calls from these seeds. */
export async function compareRandomCalls(
  server: RedisServer,
  library: string,
  count: number,
  firstSeed = 1,
) {
  const differences: Awaited<ReturnType<typeof compareCalls>> = [];
  for (let at = 0; at < count; at += BATCH) {
    const size = Math.min(BATCH, count - at);
    const calls = Array.from({ length: size }, (_, offset) =>
      new RandomCalls(firstSeed + at + offset).call(library),
    );
    differences.push(...(await compareCalls(server, calls)));
  }
  return differences;
}

if (import.meta.main) {
  const server = await RedisServer.start();
  const libraries = process.argv[2] ? [process.argv[2]] : ['cjson', 'cmsgpack', 'struct'];
  const count = Number(process.argv[3] ?? 20_000);
  for (const library of libraries) {
    const firstSeed = Number(process.argv[4] ?? 1);
    const differences = await compareRandomCalls(server, library, count, firstSeed);
    for (const { call, here, there } of differences.slice(0, 8)) {
      console.log(`${call}\n-- here:  ${here}\n-- there: ${there}\n`);
    }
    console.log(`${library}: ${count} calls, ${differences.length} differ`);
  }
  await server.stop();
}
