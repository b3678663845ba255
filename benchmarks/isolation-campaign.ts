// `npm run bench:isolation -- --operations 10000000`: so many transactions of several phases over
// several shards in locked mode, and readers that look for halves of them.
//
// What is counted are the server's own `multi_shard_transactions`, each of which held locks: not
// what readers asked, nor commands that needed no lock. The plan (plans/isolation/campaign.yaml)
// runs in rounds; each begins with other data and another seed. Then it runs once in lock-free mode,
// where it has to find something: a plan that sees nothing anywhere would prove nothing.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBalancedTags, transactionsOf } from './balanced-tags.ts';
import { type Contender, type RunningServer, withServers } from './contenders.ts';
import { type PlanResult, runPlan } from './plan/run-plan.ts';
import { renderTable } from './report.ts';
import { connectClient } from './resp-client.ts';

const PLAN = join(import.meta.dirname, 'plans', 'isolation', 'campaign.yaml');
const TAGS = 4;
const ROUNDS_MAX = 1_000;

export interface Campaign {
  /** Transactions to reach in locked mode. */
  readonly operations: number;
  readonly shards: number;
  /** Of a round. */
  readonly durationMs: number;
}

interface Findings {
  readonly mode: string;
  transactions: number;
  samples: number;
  rounds: number;
  seconds: number;
  readonly anomalies: Map<string, number>;
}

/** Properties that name tags on different shards. */
export async function tagProperties(port: number, shards: number): Promise<Map<string, string>> {
  if (shards < 2) return new Map();
  const client = await connectClient(port);
  try {
    const tags = await findBalancedTags(client, shards, TAGS);
    return new Map(tags.map((tag, i) => [`tag${i}`, tag]));
  } finally {
    client.destroy();
  }
}

async function countTransactions(port: number): Promise<number> {
  const client = await connectClient(port);
  try {
    return await transactionsOf(client);
  } finally {
    client.destroy();
  }
}

async function runRound(
  { port, contender }: RunningServer,
  { shards, durationMs }: Campaign,
  findings: Findings,
): Promise<void> {
  const properties = await tagProperties(port, shards);
  const before = await countTransactions(port);
  const text = readFileSync(PLAN, 'utf8');
  const seed = findings.rounds + 1;
  const address = { host: '127.0.0.1', port };
  const result = await runPlan({ text, file: PLAN, ...address, durationMs, properties, seed });
  const mishap = mishapOf(result);
  if (mishap !== undefined) throw new Error(`${contender.label}: ${mishap}`);
  findings.transactions += (await countTransactions(port)) - before;
  findings.samples += result.total.latency.count;
  findings.seconds += result.seconds;
  findings.rounds++;
  for (const [name, count] of result.anomalies) {
    findings.anomalies.set(name, (findings.anomalies.get(name) ?? 0) + count);
  }
}

/** Failures that are no anomalies. */
function mishapOf({ log, total }: PlanResult): string | undefined {
  const seen = [...log.anomalies.values()].reduce((sum, count) => sum + count, 0);
  if (total.failures <= seen) return undefined;
  const [what] = [...log.failures].toSorted(([, a], [, b]) => b - a)[0] ?? ['unknown'];
  return `${total.failures - seen} samples failed, most of them: ${what}`;
}

async function campaignIn(mode: string, base: Contender, campaign: Campaign): Promise<Findings> {
  const { operations, shards } = campaign;
  const argv: Contender['argv'] = (port, dir) => [
    ...base.argv(port, dir),
    ...['--isolation', mode],
  ];
  const findings: Findings = {
    mode,
    transactions: 0,
    samples: 0,
    rounds: 0,
    seconds: 0,
    anomalies: new Map(),
  };
  const label = `${mode}, ${shards} shards`;
  await withServers([{ ...base, name: mode, label, argv }], async ([server]) => {
    const wanted = mode === 'locked' ? operations : 1;
    while (findings.transactions < wanted && findings.rounds < ROUNDS_MAX) {
      await runRound(server!, campaign, findings);
      console.error(describe(findings));
    }
  });
  return findings;
}

function sumOf({ anomalies }: Findings): number {
  return [...anomalies.values()].reduce((sum, count) => sum + count, 0);
}

function describe(findings: Findings): string {
  const { mode, rounds, seconds, transactions } = findings;
  const done = transactions.toLocaleString('en-US');
  return `${mode} round ${rounds}: ${done} transactions in ${Math.round(seconds)} s, ${sumOf(findings)} anomalies`;
}

function report(campaign: Campaign, all: readonly Findings[], head: string): string {
  const rows = all.map((findings) => [
    findings.mode,
    findings.transactions.toLocaleString('en-US'),
    findings.samples.toLocaleString('en-US'),
    String(findings.rounds),
    String(Math.round(findings.seconds)),
    String(sumOf(findings)),
    [...findings.anomalies].map(([name, count]) => `${count} ${name}`).join(', ') || '–',
  ]);
  const columns = ['mode', 'transactions', 'samples', 'rounds', 'seconds', 'anomalies', 'of them'];
  return [
    `# Isolation: ${campaign.operations.toLocaleString('en-US')} transactions over several shards`,
    head,
    'Transactions are those of several phases over several shards, which hold locks in locked mode;' +
      '\nsamples are steps of the plan (benchmarks/plans/isolation/campaign.yaml), readers included.',
    renderTable(columns, rows),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Runs the campaign and prints the report; true when locked mode saw nothing and lock-free did. */
export async function runCampaign(
  campaign: Campaign,
  base: Contender,
  head: string,
  folder: string | undefined,
): Promise<boolean> {
  const locked = await campaignIn('locked', base, campaign);
  const lockFree = await campaignIn('lock-free', base, campaign);
  const text = report(campaign, [locked, lockFree], head);
  process.stdout.write(`\n${text}`);
  if (folder !== undefined) await writeFile(join(folder, 'isolation-campaign.md'), text);
  return sumOf(locked) === 0 && sumOf(lockFree) > 0;
}
