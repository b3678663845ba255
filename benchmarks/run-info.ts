// What a run was measured on and with, and which contenders this checkout can start.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, release, type as systemType, totalmem } from 'node:os';
import { type Contender, contenderNamed } from './contenders.ts';
import type { RunInfo } from './report.ts';

export interface RunSettings {
  readonly rounds: number;
  readonly quick: boolean;
  readonly contenders: readonly Contender[];
}

/** startedAt is a performance.now(). */
export function describeRun(
  settings: RunSettings,
  startedAt: number,
  leftOut: ReadonlySet<string>,
): RunInfo {
  const redis = /v=([\d.]+)/.exec(outputOf('redis-server', ['--version']))?.[1] ?? 'unknown';
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: outputOf('git', ['rev-parse', '--short', 'HEAD']) || 'unknown',
    node: process.versions.node,
    redis,
    system: `${systemType()} ${release().split('.').slice(0, 2).join('.')}`,
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    rounds: settings.rounds,
    isQuick: settings.quick,
    seconds: Math.round((performance.now() - startedAt) / 1e3),
    leftOut: [...leftOut],
    contenders: settings.contenders.map(({ name, label }) => ({ name, label })),
  };
}

function outputOf(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  } catch {
    return '';
  }
}

/** Leaves out, and says so, what cannot be started from this checkout. */
export function availableContenders(names: readonly string[]): Contender[] {
  return names.map(contenderNamed).filter((contender) => {
    const isThere = contender.needs === undefined || existsSync(contender.needs);
    if (!isThere) console.error(`${contender.label}: left out, ${contender.needs} is not there`);
    return isThere;
  });
}
