/**
 * redis-server 7.0 as the oracle of differential tests: what it replies is right.
 *
 * Where it is not installed, or another version is, such a test is left out and says why; with
 * CI=true that is a failure, so that the comparison cannot get lost unseen.
 */

import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import { launch, type ServerOptions, type ServerProcess } from './server-process.ts';

/** Undefined, or the reason why there is no oracle here. */
export function oracleMissing(): string | undefined {
  const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  if (found.error) return 'redis-server is not installed';
  if (/ v=7\.0\./.test(found.stdout)) return undefined;
  return `needs redis-server 7.0, found ${found.stdout.trim()}`;
}

/** Undefined, or the reason why a program of redis-tools cannot be used. */
export function toolMissing(program: string): string | undefined {
  return spawnSync(program, ['--version']).error ? `${program} is not installed` : undefined;
}

/** Runs a test when nothing is missing; else says what was left out, and fails with CI=true. */
export function testUnlessMissing(
  t: Test,
  name: string,
  missing: string | undefined,
  body: (t: Test) => Promise<void>,
): void {
  if (missing === undefined) void t.test(name, body);
  else if (process.env.CI === 'true') t.fail(`${name}: ${missing}, and CI=true demands it`);
  else t.pass(`LEFT OUT: ${name}: ${missing}`);
}

/**
 * Starts redis-server without snapshots, as startServer starts hashlane. It notices time-outs `hz`
 * times a second, ten by default.
 */
export function startOracle(options: Omit<ServerOptions, 'shards'> = {}): Promise<ServerProcess> {
  const { args = [] } = options;
  const save = args.includes('--save') ? [] : ['--save', ''];
  const argsFor = (port: number, dir: string): string[] => [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...save, ...args],
  ];
  return launch('redis-server', argsFor, options);
}
