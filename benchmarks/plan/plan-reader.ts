// A plan from the text of its YAML file. docs/plans.md is the description for those who write one.
//
// Everything that can be wrong is found here and told with its line, before a connection is opened:
// unknown fields, kinds of values, variables and functions, patterns.

import { isMap, type Node, visit } from 'yaml';
import type { JtlSettings } from './jtl.ts';
import type { Group, Listeners, Plan, Variable } from './plan-model.ts';
import { seededRandom } from './random.ts';
import {
  fieldsOf,
  type Reading,
  readSetup,
  readSteps,
  readTemplate,
  readThinkTimer,
  readVerification,
} from './step-reader.ts';
import { parseTemplate, type Scope, type Site } from './template.ts';
import { elementsOf, scalarText, YamlSource } from './yaml-fields.ts';

const USERS_MAX = 100_000;
const LOOPS_MAX = 1e12;
const GRACE_MS = 2_000;
const REPLY_TIMEOUT_MS = 60_000;

/** What the command line changes in a plan. */
export interface PlanOptions {
  /** `-J name=value`, read by `${__P(name)}`. */
  readonly properties: ReadonlyMap<string, string>;
  readonly seed: number;
  /** Instead of what the groups say; ramp-up and delay are cut to a quarter of it. */
  readonly durationMs?: number | undefined;
}

/** Throws PlanError with all that is wrong. */
export function readPlan(text: string, file: string, options: PlanOptions): Plan {
  const source = new YamlSource(text, file);
  const site = new PlanSite(options.properties);
  const values = new Map<string, string>();
  const scope = staticScope(values, options.seed);
  const reading: Reading = {
    source,
    site,
    labels: [],
    fill: (template, node) => {
      try {
        return parseTemplate(template, site).evaluate(scope);
      } catch (error) {
        source.complain(node, error instanceof Error ? error.message : String(error));
        return undefined;
      }
    },
  };
  const fields = fieldsOf(reading, source.root ?? undefined, 'a plan');
  const variables = readVariables(reading, fields.take('variables'));
  for (const { name, value } of variables) values.set(name, value.evaluate(scope));
  const setup = readSetup(reading, fields.take('setup'));
  const groups = elementsOf(source, fields.take('groups')).map((node) =>
    readGroup(reading, site, node, options),
  );
  const counted = [...site.tallies];
  const verify = elementsOf(source, fields.take('verify')).map((node) =>
    readVerification(reading, node),
  );
  for (const name of site.tallies.slice(counted.length)) {
    source.complain(fields.take('verify'), `no step has the tally '${name}'`);
  }
  const plan: Plan = {
    name: fields.text('name') ?? file,
    about: fields.text('about') ?? '',
    variables: [...values].map(([name, value]) => constantVariable(name, value)),
    setup,
    groups,
    verify,
    listeners: readListeners(reading, fields.take('listeners')),
    labels: reading.labels,
    counters: site.counters,
    tallies: site.tallies,
  };
  fields.finish(['name', 'groups']);
  source.finish();
  return plan;
}

class PlanSite implements Site {
  readonly properties: ReadonlyMap<string, string>;
  variables = new Set<string>();
  counters = 0;
  readonly tallies: string[] = [];

  constructor(properties: ReadonlyMap<string, string>) {
    this.properties = properties;
  }

  newCounter(): number {
    return this.counters++;
  }

  tally(name: string): number {
    const index = this.tallies.indexOf(name);
    return index >= 0 ? index : this.tallies.push(name) - 1;
  }
}

/** For what is evaluated while the plan is read: there is no user yet. */
function staticScope(variables: Map<string, string>, seed: number): Scope {
  return {
    variables,
    random: seededRandom(seed),
    threadNumber: 0,
    groupName: '',
    samplerName: '',
    ownCounters: [],
    shared: { count: () => 1, readTally: () => 0 },
  };
}

function constantVariable(name: string, value: string): Variable {
  return { name, value: { constant: value, evaluate: () => value } };
}

function readVariables(reading: Reading, node: Node | undefined): Variable[] {
  if (node === undefined) return [];
  if (!isMap(node)) {
    reading.source.complain(node, 'variables: expected a mapping of names to values');
    return [];
  }
  return node.items.map(({ key, value }) => {
    const name = scalarText(key as Node) ?? '';
    const template = readTemplate(reading, scalarText(value as Node) ?? '', value as Node);
    reading.site.variables.add(name);
    return { name, value: template };
  });
}

function readGroup(reading: Reading, site: PlanSite, node: Node, options: PlanOptions): Group {
  const planVariables = site.variables;
  site.variables = new Set(planVariables);
  const fields = fieldsOf(reading, node, 'a group');
  const name = fields.text('name') ?? 'group';
  site.variables.add(iterationVariable(name));
  const variables = readVariables(reading, fields.take('variables'));
  for (const variable of extractedNames(node)) site.variables.add(variable);
  const loops = fields.integer('loops', { min: 1, max: LOOPS_MAX }) ?? null;
  const durationMs = options.durationMs ?? fields.durationMs('duration') ?? null;
  if (loops === null && durationMs === null) {
    reading.source.complain(node, "a group needs 'loops' or 'duration'");
  }
  const cut = (ms: number) => Math.min(ms, (options.durationMs ?? Number.POSITIVE_INFINITY) / 4);
  const group: Group = {
    name,
    users: fields.integer('users', { min: 1, max: USERS_MAX }) ?? 1,
    rampUpMs: cut(fields.durationMs('ramp-up') ?? 0),
    delayMs: cut(fields.durationMs('delay') ?? 0),
    durationMs,
    loops,
    graceMs: fields.durationMs('grace') ?? GRACE_MS,
    replyTimeoutMs: fields.durationMs('reply-timeout') ?? REPLY_TIMEOUT_MS,
    variables,
    think: readThinkTimer(reading, fields),
    once: readSteps(reading, fields.take('once'), 'once'),
    steps: readSteps(reading, fields.take('steps'), 'steps'),
  };
  fields.take('duration');
  fields.finish(['name', 'users', 'steps']);
  site.variables = planVariables;
  return group;
}

/** JMeter's name for the number of a user's iteration, from 0. */
export function iterationVariable(groupName: string): string {
  return `__jm__${groupName}__idx`;
}

/** Variables that any step of the group fills, so that a step before it may use them. */
function extractedNames(group: Node): string[] {
  const names: string[] = [];
  visit(group, {
    Pair(_, { key, value }) {
      if (scalarText(key as Node) !== 'extract' || !isMap(value)) return;
      for (const item of value.items) names.push(scalarText(item.key as Node) ?? '');
    },
  });
  return names;
}

const WHOLE_JTL: JtlSettings = { isErrorsOnly: false, isForJMeter2: false };

function readListeners(reading: Reading, node: Node | undefined): Listeners {
  if (node === undefined) return { aggregate: true, jtl: WHOLE_JTL, html: true };
  const listeners = { aggregate: false, jtl: undefined as Listeners['jtl'], html: false };
  for (const item of elementsOf(reading.source, node)) {
    const name = scalarText(item);
    if (name === 'aggregate' || name === 'html') listeners[name] = true;
    else if (name === 'jtl') listeners.jtl = WHOLE_JTL;
    else if (isMap(item) && item.has('jtl')) {
      const fields = fieldsOf(reading, item, 'a listener');
      const settings = fieldsOf(reading, fields.take('jtl'), 'jtl');
      const isErrorsOnly = settings.boolean('errors-only');
      listeners.jtl = { isErrorsOnly, isForJMeter2: settings.boolean('jmeter-2') };
      settings.finish();
      fields.finish();
    } else {
      reading.source.complain(
        item,
        'a listener is aggregate, jtl, html or {jtl: {errors-only: …, jmeter-2: …}}',
      );
    }
  }
  return listeners;
}
