// Runs redis-benchmark and reads the rows of its --csv output.
//
// Source of the format: `redis-benchmark --csv` of Redis 7.0, a heading line, then one line per
// test: name, requests per second, and latencies in milliseconds (avg, min, p50, p95, p99, max),
// each in double quotes. redis-benchmark ends with code 1 at the first error reply and tells it on
// standard output.

import { once } from 'node:events';
import { spawnChild } from './contenders.ts';

export interface BenchmarkRow {
  readonly test: string;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface BenchmarkOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

const TIMEOUT_MS = 180_000;

/** Throws if the text has no heading, lacks a column or holds something that is not a number. */
export function parseBenchmarkCsv(csv: string): BenchmarkRow[] {
  const lines = csv.split('\n').filter((line) => line.startsWith('"'));
  const [heading, ...rows] = lines.map(splitCsvLine);
  const column = (name: string): number => {
    const index = heading?.indexOf(name) ?? -1;
    if (index < 0) throw new Error(`redis-benchmark: no column ${name} in ${csv.slice(0, 400)}`);
    return index;
  };
  const columns = {
    test: column('test'),
    rps: column('rps'),
    p50: column('p50_latency_ms'),
    p99: column('p99_latency_ms'),
  };
  return rows.map((row) => ({
    test: row[columns.test]!,
    rps: numberIn(row, columns.rps),
    p50Ms: numberIn(row, columns.p50),
    p99Ms: numberIn(row, columns.p99),
  }));
}

/** Fields of `"a","b"`; a quote inside a field is doubled. */
function splitCsvLine(line: string): string[] {
  return [...line.matchAll(/"((?:[^"]|"")*)"/g)].map((field) => field[1]!.replaceAll('""', '"'));
}

function numberIn(row: readonly string[], index: number): number {
  const value = Number(row[index]);
  if (row[index] === undefined || row[index] === '' || !Number.isFinite(value)) {
    throw new Error(`redis-benchmark: '${row[index]}' is not a number`);
  }
  return value;
}

/** Runs it to its end, at most three minutes, whatever its exit code. */
export async function runRedisBenchmark(
  port: number,
  args: readonly string[],
): Promise<BenchmarkOutput> {
  const child = spawnChild('redis-benchmark', ['-h', '127.0.0.1', '-p', String(port), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('latin1').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr!.setEncoding('latin1').on('data', (text: string) => {
    output.stderr += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { ...output, code };
}

/** Runs one test and gives its row; throws with redis-benchmark's words if it failed. */
export async function measureWithRedisBenchmark(
  port: number,
  args: readonly string[],
): Promise<BenchmarkRow> {
  const { stdout, stderr, code } = await runRedisBenchmark(port, ['--csv', ...args]);
  if (code !== 0) {
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-3).join(' / ');
    throw new Error(`redis-benchmark ${args.join(' ')} ended with ${code}: ${said}`);
  }
  const row = parseBenchmarkCsv(stdout).at(-1);
  if (row === undefined) throw new Error('redis-benchmark: no row');
  return row;
}
