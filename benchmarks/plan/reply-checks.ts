// Assertions on replies, and values taken out of them.
//
// Both name a place in a reply by a path of indexes: [] is the reply, [1] its second element, [0, 1]
// an element of an element. A path that leads nowhere leads to nil, so a BRPOP that timed out gives
// nil at [1] and not a mistake.

import type { Reply } from '../resp-client.ts';
import type { Scope, Template } from './template.ts';

const PATTERNS_MAX = 1_000;

export type Path = readonly number[];

export const REPLY_TYPES = ['string', 'integer', 'array', 'nil', 'error'] as const;
export type ReplyType = (typeof REPLY_TYPES)[number];

export interface Check {
  readonly at: Path;
  /** Looked at instead of the reply: something that was extracted before. */
  readonly value: Template | undefined;
  readonly conditions: readonly Condition[];
  /** Failures of this check are counted under this name. */
  readonly anomaly: string | undefined;
}

export type Condition =
  | { readonly kind: 'equals' | 'differs'; readonly wanted: readonly Template[]; isList: boolean }
  | { readonly kind: 'one-of'; readonly wanted: readonly Template[] }
  | { readonly kind: 'matches'; readonly wanted: Template }
  | { readonly kind: 'error'; readonly pattern: RegExp }
  | { readonly kind: 'type'; readonly types: readonly ReplyType[] }
  | { readonly kind: 'sum' | 'length'; readonly wanted: Template };

export interface Extractor {
  readonly at: Path;
  /** The group of the match that is taken; the whole value without a pattern. */
  readonly pattern: RegExp | undefined;
  readonly group: number;
}

export function valueAt(reply: Reply, path: Path): Reply {
  let value = reply;
  for (const index of path) value = Array.isArray(value) ? (value.at(index) ?? null) : null;
  return value;
}

export function typeOf(reply: Reply): ReplyType {
  if (reply === null) return 'nil';
  if (reply instanceof Error) return 'error';
  if (Array.isArray(reply)) return 'array';
  return typeof reply === 'number' ? 'integer' : 'string';
}

/** A value as text: nil is empty, an array its elements with spaces between. */
export function textOf(reply: Reply): string {
  if (reply === null) return '';
  if (reply instanceof Error) return reply.message;
  return Array.isArray(reply) ? reply.map(textOf).join(' ') : String(reply);
}

/** Undefined when the check holds, else what is wrong. */
export function failureOf(check: Check, reply: Reply, scope: Scope): string | undefined {
  const value = check.value?.evaluate(scope) ?? valueAt(reply, check.at);
  for (const condition of check.conditions) {
    const failure = failureOfCondition(condition, value, scope);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function failureOfCondition(condition: Condition, value: Reply, scope: Scope): string | undefined {
  switch (condition.kind) {
    case 'equals':
    case 'differs': {
      const wanted = condition.wanted.map((each) => each.evaluate(scope));
      const isEqual = condition.isList ? isSameList(value, wanted) : textOf(value) === wanted[0];
      if (isEqual === (condition.kind === 'equals')) return undefined;
      const verb = isEqual ? 'something other than' : '';
      return `expected ${verb && `${verb} `}'${wanted.join(' ')}', found ${shown(value)}`;
    }
    case 'one-of': {
      const wanted = condition.wanted.map((each) => each.evaluate(scope));
      if (wanted.includes(textOf(value))) return undefined;
      return `expected one of '${wanted.join("', '")}', found ${shown(value)}`;
    }
    case 'matches': {
      const wanted = condition.wanted.evaluate(scope);
      if (patternOf(wanted).test(textOf(value))) return undefined;
      return `expected a match of /${wanted}/, found ${shown(value)}`;
    }
    case 'error':
      if (value instanceof Error && condition.pattern.test(value.message)) return undefined;
      return `expected an error that matches ${condition.pattern}, found ${shown(value)}`;
    case 'type': {
      const found = typeOf(value);
      if (condition.types.includes(found)) return undefined;
      return `expected ${condition.types.join(' or ')}, found ${found}`;
    }
    case 'sum': {
      const wanted = condition.wanted.evaluate(scope);
      const sum = Array.isArray(value) ? sumOf(value) : Number(textOf(value));
      return String(sum) === wanted ? undefined : `expected a sum of ${wanted}, found ${sum}`;
    }
    case 'length': {
      const wanted = condition.wanted.evaluate(scope);
      const length = Array.isArray(value) ? value.length : textOf(value).length;
      return String(length) === wanted ? undefined : `expected length ${wanted}, found ${length}`;
    }
  }
}

const patterns = new Map<string, RegExp>();

/** Patterns may have variables in them; the compiled ones are kept, up to a number. */
function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  const pattern = new RegExp(source);
  patterns.set(source, pattern);
  return pattern;
}

function isSameList(value: Reply, wanted: readonly string[]): boolean {
  if (!Array.isArray(value) || value.length !== wanted.length) return false;
  return value.every((element, i) => textOf(element) === wanted[i]);
}

function sumOf(values: readonly Reply[]): number {
  let sum = 0;
  for (const value of values) sum += Number(textOf(value));
  return sum;
}

/** A value in a message: short, and nil as such. */
function shown(value: Reply): string {
  if (value === null) return 'nil';
  const text = textOf(value);
  return `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}'`;
}

/** Undefined when there is nothing at the place, or nothing that matches. */
export function extract(extractor: Extractor, reply: Reply): string | undefined {
  const value = valueAt(reply, extractor.at);
  if (value === null || value instanceof Error) return undefined;
  const text = textOf(value);
  if (extractor.pattern === undefined) return text;
  return extractor.pattern.exec(text)?.[extractor.group];
}
