// Steps of a plan file: samplers, their commands, assertions and extractions.

import { isMap, isSeq, type Node } from 'yaml';
import { splitWords } from './command-words.ts';
import type { Command, Exchange, NamedExtractor, SetupCommand, Step } from './plan-model.ts';
import {
  type Check,
  type Condition,
  type Extractor,
  type Path,
  REPLY_TYPES,
  type ReplyType,
} from './reply-checks.ts';
import { type Evaluate, parseTemplate, type Site, type Template } from './template.ts';
import type { ThinkTimer } from './think-timer.ts';
import { elementsOf, Fields, scalarText, type YamlSource } from './yaml-fields.ts';

const MULTI = ['MULTI'];
const EXEC = ['EXEC'];
const REPEAT_MAX = 1_000_000;
const SAMPLERS = ['command', 'pipeline', 'transaction', 'sequence'] as const;

/** What the reading of one file collects; shared by plan-reader.ts and this module. */
export interface Reading {
  readonly source: YamlSource;
  /** Where texts stand now: its variables change from group to group. */
  site: Site;
  readonly labels: string[];
  readonly fill: (text: string, node: Node) => string | undefined;
}

export function fieldsOf(reading: Reading, node: Node | undefined, what: string): Fields {
  return new Fields(reading.source, node, what, reading.fill);
}

/** Characters of the file as UTF-8 bytes, one per character. */
function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function readTemplate(reading: Reading, text: string, node: Node | undefined): Template {
  try {
    return parseTemplate(toBytes(text), reading.site);
  } catch (error) {
    reading.source.complain(node, error instanceof Error ? error.message : String(error));
    return { constant: '', evaluate: () => '' };
  }
}

export function readSteps(reading: Reading, node: Node | undefined, what: string): Step[] {
  if (node !== undefined && !isSeq(node)) reading.source.complain(node, `${what} is a list`);
  return elementsOf(reading.source, node).map((item) => readStep(reading, item));
}

function readStep(reading: Reading, node: Node): Step {
  // A step of nothing but a command may be written as just that.
  if (scalarText(node) !== undefined) return plainStep(reading, node);
  const fields = fieldsOf(reading, node, 'a step');
  const kinds = SAMPLERS.filter((kind) => fields.has(kind));
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'none' : kinds.join(' and ');
    reading.source.complain(node, `a step has one of ${SAMPLERS.join(', ')}; found ${found}`);
  }
  const exchanges = readExchanges(reading, fields, kinds[0] ?? 'command');
  const label = fields.text('name') ?? labelFor(exchanges);
  const tally = fields.text('tally');
  const step: Step = {
    label,
    labelIndex: labelIndex(reading, label),
    exchanges,
    condition: readCondition(reading, fields),
    percent: fields.number('percent', { min: 0.001, max: 100 }) ?? 100,
    think: readThinkTimer(reading, fields),
    wakeUp: fields.has('wake-up')
      ? readExtractor(reading, fields.take('wake-up')!, 'wake-up')
      : undefined,
    tally: tally === undefined ? undefined : reading.site.tally(tally),
  };
  fields.finish();
  return step;
}

function plainStep(reading: Reading, node: Node): Step {
  const command = readCommand(reading, node);
  const label = command.name;
  return {
    label,
    labelIndex: labelIndex(reading, label),
    exchanges: [plainExchange([command], 'single')],
    condition: undefined,
    percent: 100,
    think: undefined,
    wakeUp: undefined,
    tally: undefined,
  };
}

function plainExchange(commands: readonly Command[], kind: Exchange['kind']): Exchange {
  const nothing = { condition: undefined, checks: [], extractors: [], ignoredErrors: undefined };
  return { kind, commands, ...nothing };
}

function labelFor(exchanges: readonly Exchange[]): string {
  const names = exchanges.flatMap((exchange) => exchange.commands.map((command) => command.name));
  return [...new Set(names)].join(' ') || 'step';
}

function labelIndex(reading: Reading, label: string): number {
  const index = reading.labels.indexOf(label);
  return index >= 0 ? index : reading.labels.push(label) - 1;
}

function readExchanges(
  reading: Reading,
  fields: Fields,
  kind: (typeof SAMPLERS)[number],
): Exchange[] {
  const node = fields.take(kind);
  const repeat = fields.integer('repeat', { min: 1, max: REPEAT_MAX }) ?? 1;
  if (repeat > 1 && kind !== 'pipeline') {
    reading.source.complain(fields.take('repeat'), `'repeat' is for a pipeline, not a ${kind}`);
  }
  const own = readReplyFields(reading, fields);
  if (node === undefined) return [];
  if (kind === 'sequence') {
    const items = elementsOf(reading.source, node).map((item) => readSequenceItem(reading, item));
    const last = items.pop();
    if (last === undefined) return [];
    // What is said of the step is said of its last reply.
    const checks = [...last.checks, ...own.checks];
    const extractors = [...last.extractors, ...own.extractors];
    const ignoredErrors = last.ignoredErrors ?? own.ignoredErrors;
    return [...items, { ...last, checks, extractors, ignoredErrors }];
  }
  const exchangeKind = kind === 'command' ? 'single' : kind === 'pipeline' ? 'pipeline' : 'exec';
  const written = readCommands(reading, node, kind);
  const commands = Array.from({ length: repeat }, () => written).flat();
  return [{ kind: exchangeKind, commands, condition: undefined, ...own }];
}

/** An item of a sequence: a command, a command with fields, or a transaction. */
function readSequenceItem(reading: Reading, node: Node): Exchange {
  if (!isMap(node)) return plainExchange([readCommand(reading, node)], 'single');
  const fields = fieldsOf(reading, node, 'an item of a sequence');
  const kind = fields.has('transaction') ? 'transaction' : 'command';
  const inner = fields.take(kind);
  const exchange: Exchange = {
    kind: kind === 'command' ? 'single' : 'exec',
    commands: inner === undefined ? [] : readCommands(reading, inner, kind),
    condition: readCondition(reading, fields),
    ...readReplyFields(reading, fields),
  };
  fields.finish(inner === undefined ? ['command'] : []);
  return exchange;
}

function readReplyFields(
  reading: Reading,
  fields: Fields,
): Pick<Exchange, 'checks' | 'extractors' | 'ignoredErrors'> {
  return {
    extractors: readExtractors(reading, fields.take('extract')),
    checks: elementsOf(reading.source, fields.take('assert')).map((item) =>
      readCheck(reading, item),
    ),
    ignoredErrors: fields.pattern('ignore-errors'),
  };
}

function readOptional(reading: Reading, fields: Fields, name: string): Template | undefined {
  const text = fields.text(name);
  return text === undefined ? undefined : readTemplate(reading, text, fields.take(name));
}

function readCondition(reading: Reading, fields: Fields): Exchange['condition'] {
  const wanted = readOptional(reading, fields, 'if');
  const unwanted = readOptional(reading, fields, 'unless');
  if (wanted !== undefined && unwanted !== undefined) {
    reading.source.complain(fields.node, "'if' and 'unless' exclude each other");
  }
  const value = wanted ?? unwanted;
  return value && { value, isWanted: wanted !== undefined };
}

function readCommands(
  reading: Reading,
  node: Node,
  kind: 'command' | 'pipeline' | 'transaction',
): Command[] {
  if (kind === 'command') return [readCommand(reading, node)];
  const commands = elementsOf(reading.source, node).map((item) => readCommand(reading, item));
  if (commands.length === 0) reading.source.complain(node, `${kind}: no command`);
  if (kind === 'pipeline') return commands;
  return [compileCommand(reading, MULTI, node), ...commands, compileCommand(reading, EXEC, node)];
}

/** A command is a line of words, or a list of arguments. */
function readCommand(reading: Reading, node: Node): Command {
  const line = scalarText(node);
  let words: string[] = [];
  try {
    if (line !== undefined) words = splitWords(line);
    else if (isSeq(node)) {
      words = elementsOf(reading.source, node).map((item) => scalarText(item) ?? '');
    } else reading.source.complain(node, 'a command is a line or a list of arguments');
  } catch (error) {
    reading.source.complain(node, error instanceof Error ? error.message : String(error));
  }
  if (words.length === 0) reading.source.complain(node, 'a command without a word');
  return compileCommand(reading, words, node);
}

function compileCommand(reading: Reading, words: readonly string[], node: Node): Command {
  const parts: (string | Evaluate)[] = [];
  let bytes = `*${words.length}\r\n`;
  for (const word of words) {
    const { constant, evaluate } = readTemplate(reading, word, node);
    if (constant !== undefined) {
      bytes += `$${constant.length}\r\n${constant}\r\n`;
      continue;
    }
    parts.push(bytes, evaluate);
    bytes = '';
  }
  if (bytes !== '') parts.push(bytes);
  return { name: (words[0] ?? '').toUpperCase(), parts };
}

export function readSetup(reading: Reading, node: Node | undefined): SetupCommand[] {
  return elementsOf(reading.source, node).map((item) => {
    const once = { repeat: 1, ignoredErrors: undefined };
    if (!isMap(item)) return { command: readCommand(reading, item), ...once };
    const fields = fieldsOf(reading, item, 'a command of setup');
    const command = fields.take('command');
    const repeat = fields.integer('repeat', { min: 1, max: REPEAT_MAX }) ?? 1;
    const ignoredErrors = fields.pattern('ignore-errors');
    fields.finish(['command']);
    return { command: readCommand(reading, command ?? item), repeat, ignoredErrors };
  });
}

export function readVerification(
  reading: Reading,
  node: Node,
): { name: string; exchange: Exchange } {
  const fields = fieldsOf(reading, node, 'an item of verify');
  const kind = fields.has('transaction') ? 'transaction' : 'command';
  const inner = fields.take(kind);
  const commands = inner === undefined ? [] : readCommands(reading, inner, kind);
  const exchange: Exchange = {
    kind: kind === 'command' ? 'single' : 'exec',
    commands,
    condition: undefined,
    ...readReplyFields(reading, fields),
  };
  const name = fields.text('name') ?? commands[0]?.name ?? 'verify';
  fields.finish(inner === undefined ? ['command', 'assert'] : ['assert']);
  return { name, exchange };
}

export function readThinkTimer(reading: Reading, fields: Fields): ThinkTimer | undefined {
  const node = fields.take('think');
  if (node === undefined) return undefined;
  if (!isMap(node)) return { kind: 'constant', ms: fields.durationOf('think', node) ?? 0 };
  const timer = fieldsOf(reading, node, 'a think timer');
  if (timer.has('gaussian')) {
    const normal = fieldsOf(reading, timer.take('gaussian'), 'a gaussian timer');
    const meanMs = normal.durationMs('mean') ?? 0;
    const deviationMs = normal.durationMs('deviation') ?? 0;
    normal.finish(['mean', 'deviation']);
    timer.finish();
    return { kind: 'gaussian', meanMs, deviationMs };
  }
  const range = fieldsOf(reading, timer.take('uniform') ?? node, 'a uniform timer');
  const fromMs = range.durationMs('from') ?? 0;
  const toMs = range.durationMs('to') ?? 0;
  if (fromMs > toMs) reading.source.complain(node, 'uniform: from is later than to');
  range.finish(['from', 'to']);
  timer.take('uniform');
  if (timer.has('uniform')) timer.finish();
  return { kind: 'uniform', fromMs, toMs };
}

function readPath(fields: Fields, name: string): Path {
  const items = elementsOf(fields.source, fields.take(name));
  return items.map((item) => {
    const index = Number(scalarText(item) ?? Number.NaN);
    if (!Number.isInteger(index)) {
      fields.source.complain(item, `${name}: expected an index or a list of them`);
    }
    return index;
  });
}

function readExtractors(reading: Reading, node: Node | undefined): NamedExtractor[] {
  if (node === undefined) return [];
  if (!isMap(node)) {
    reading.source.complain(node, 'extract: expected a mapping of variables to places');
    return [];
  }
  return node.items.map(({ key, value }) => {
    const variable = scalarText(key as Node) ?? '';
    const place = reading.source.resolved(value);
    const isPlain = place === undefined || !isMap(place);
    const fallback = isPlain ? undefined : place.get('default', true);
    return {
      variable,
      extractor: readExtractor(reading, place, `extract ${variable}`),
      fallback:
        fallback === undefined
          ? undefined
          : readTemplate(reading, scalarText(fallback) ?? '', fallback),
    };
  });
}

/** An index, a list of indexes, or a mapping with a pattern; nothing is the whole reply. */
function readExtractor(reading: Reading, node: Node | undefined, what: string): Extractor {
  if (node === undefined || !isMap(node)) {
    const at = elementsOf(reading.source, node).map((item) => {
      const index = Number(scalarText(item) ?? Number.NaN);
      if (!Number.isInteger(index)) {
        reading.source.complain(item, `${what}: expected an index, a list of them or a mapping`);
      }
      return index;
    });
    return { at, pattern: undefined, group: 0 };
  }
  const fields = fieldsOf(reading, node, what);
  const at = readPath(fields, 'at');
  const pattern = fields.pattern('matches');
  const hasGroup = pattern !== undefined && /\((?!\?)/.test(pattern.source);
  const group = fields.integer('group', { min: 0, max: 99 }) ?? (hasGroup ? 1 : 0);
  fields.take('default');
  fields.finish();
  return { at, pattern, group };
}

function readCheck(reading: Reading, node: Node): Check {
  const fields = fieldsOf(reading, node, 'an assertion');
  const at = readPath(fields, 'at');
  const value = readOptional(reading, fields, 'value');
  const conditions: Condition[] = [];
  for (const [field, kind] of [
    ['equals', 'equals'],
    ['not-equals', 'differs'],
  ] as const) {
    const wanted = fields.take(field);
    if (wanted === undefined) continue;
    conditions.push({ kind, wanted: readTemplates(reading, wanted), isList: isSeq(wanted) });
  }
  const oneOf = fields.take('one-of');
  if (oneOf !== undefined) {
    conditions.push({ kind: 'one-of', wanted: readTemplates(reading, oneOf) });
  }
  const matches = readOptional(reading, fields, 'matches');
  if (matches !== undefined) {
    // Of a pattern with variables only running it tells.
    if (matches.constant !== undefined) fields.pattern('matches');
    conditions.push({ kind: 'matches', wanted: matches });
  }
  const error = fields.pattern('error');
  if (error !== undefined) conditions.push({ kind: 'error', pattern: error });
  const types = elementsOf(reading.source, fields.take('type'));
  if (types.length > 0) {
    conditions.push({ kind: 'type', types: types.map((type) => readType(reading, type)) });
  }
  for (const kind of ['sum', 'length'] as const) {
    const wanted = readOptional(reading, fields, kind);
    if (wanted !== undefined) conditions.push({ kind, wanted });
  }
  const anomaly = fields.text('anomaly');
  fields.finish();
  if (isMap(node) && conditions.length === 0) {
    reading.source.complain(node, 'an assertion that asserts nothing');
  }
  return { at, value, conditions, anomaly };
}

function readTemplates(reading: Reading, node: Node): Template[] {
  return elementsOf(reading.source, node).map((item) =>
    readTemplate(reading, scalarText(item) ?? '', item),
  );
}

function readType(reading: Reading, node: Node): ReplyType {
  const text = scalarText(node);
  const type = REPLY_TYPES.find((each) => each === text);
  if (type === undefined) {
    reading.source.complain(node, `type: expected one of ${REPLY_TYPES.join(', ')}`);
  }
  return type ?? 'string';
}
