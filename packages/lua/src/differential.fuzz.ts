/**
 * The same programs here and in redis-server; results, errors and their lines must be equal.
 *
 *   node packages/lua/src/differential.fuzz.ts [programs] [first seed]
 */
import { LuaError } from './errors.ts';
import { LuaSyntaxError } from './lexer.ts';
import { RandomProgram } from './random-program.fixture.ts';
import { RedisServer } from './redis-server.fixture.ts';
import { createRuntime } from './runtime.ts';
import { LuaTable } from './table.ts';
import { all, type LuaValue } from './values.ts';

const BATCH = 500;
const SHOW =
  `local function show(v,d) local t=type(v) if t=='table' then if d>4 then return '{..}' end
local r={} for k,x in next,v do r[#r+1]=show(k,d+1)..'='..show(x,d+1) end table.sort(r)
return '{'..table.concat(r,',')..'}' elseif t=='number' then return v~=v and 'nan' or string.format('%.17g',v)
elseif t=='function' then return t else return t..':'..tostring(v) end end
local function list(...) local r={} for i=1,select('#',...) do r[i]=show((select(i,...)),0) end
return table.concat(r,' ') end`.replaceAll('\n', ' ');

/** Runs in redis-server; results come back as one string. */
export function forRedis(program: string): string {
  return `${SHOW} return list(pcall(function() ${program}\nend))`;
}

function show(value: LuaValue, depth: number): string {
  if (value instanceof LuaTable) {
    if (depth > 4) return '{..}';
    const entries: string[] = [];
    let entry = value.next(undefined);
    while (entry !== undefined) {
      entries.push(`${show(entry.key, depth + 1)}=${show(entry.value, depth + 1)}`);
      entry = value.next(entry.key);
    }
    return `{${entries.sort().join(',')}}`;
  }
  if (typeof value === 'function') return 'function';
  if (typeof value === 'number') return showNumber(value);
  return value === undefined ? 'nil:nil' : `${typeof value}:${value}`;
}

function showNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : `#${value}`;
}

/** Numbers are compared as numbers, and the sign of a NaN is not compared. */
function normalized(text: string): string {
  return text
    .replaceAll('-nan', 'nan')
    .replaceAll(/(^|[ {=,])(-?\d[\d.e+-]*)(?=$|[ },=])/g, (_, before, digits) => {
      const value = Number(digits);
      return `${before}${Object.is(value, -0) ? '-0' : `#${value}`}`;
    });
}

export function runHere(program: string): string {
  const runtime = createRuntime({ globals: [['string', new LuaTable()]] });
  try {
    const script = runtime.compile(`return pcall(function() ${program}\nend)`, 'user_script');
    const results = all(script.run([], []));
    script.release();
    return results.map((value) => show(value, 0)).join(' ');
  } catch (error) {
    if (error instanceof LuaError) return `-${show(error.value, 0)}`;
    if (error instanceof LuaSyntaxError)
      return `-ERR Error compiling script (new function): ${error.message}`;
    throw error;
  }
}

/** Compares programs; gives the ones that differ. */
export async function compare(
  server: RedisServer,
  programs: readonly string[],
): Promise<{ program: string; here: string; there: string }[]> {
  const answers = await server.evaluate(programs.map(forRedis));
  return programs.flatMap((program, at) => {
    const there = normalized(answers[at]!);
    const here = normalized(runHere(program));
    return here === there ? [] : [{ program, here, there }];
  });
}

/** `count` random programs from these seeds. */
export async function compareRandom(server: RedisServer, firstSeed: number, count: number) {
  const differences: Awaited<ReturnType<typeof compare>> = [];
  for (let at = 0; at < count; at += BATCH) {
    const size = Math.min(BATCH, count - at);
    const programs = Array.from({ length: size }, (_, offset) =>
      new RandomProgram(firstSeed + at + offset).write(),
    );
    differences.push(...(await compare(server, programs)));
  }
  return differences;
}

if (import.meta.main) {
  const server = await RedisServer.start();
  const count = Number(process.argv[2] ?? 10_000);
  const differences = await compareRandom(server, Number(process.argv[3] ?? 1), count);
  for (const { program, here, there } of differences.slice(0, 5)) {
    console.log(`${program}\n-- here:  ${here}\n-- there: ${there}\n`);
  }
  console.log(`${count} programs, ${differences.length} differ`);
  await server.stop();
}
