// The bytes of an exchange, and the verdict on its replies.

import type { Reply } from '../resp-client.ts';
import type { Command, Exchange } from './plan-model.ts';
import { extract, failureOf } from './reply-checks.ts';
import type { Scope } from './template.ts';

export interface Verdict {
  /** Empty when all is well. */
  readonly failure: string;
  readonly responseCode: string;
  readonly responseMessage: string;
  readonly anomaly: string | undefined;
}

const FINE: Verdict = {
  failure: '',
  responseCode: 'OK',
  responseMessage: 'OK',
  anomaly: undefined,
};

export function encode(commands: readonly Command[], scope: Scope): string {
  let bytes = '';
  for (const { parts } of commands) {
    for (const part of parts) {
      if (typeof part === 'string') {
        bytes += part;
        continue;
      }
      const argument = part(scope);
      bytes += `$${argument.length}\r\n${argument}\r\n`;
    }
  }
  return bytes;
}

/** What stands for the replies of an exchange in assertions and extractions. */
export function replyOf(exchange: Exchange, replies: Reply[]): Reply {
  if (exchange.kind === 'single') return replies[0] ?? null;
  return exchange.kind === 'exec' ? (replies.at(-1) ?? null) : replies;
}

/** Extracts, then judges: an assertion may use what was extracted. */
export function judge(exchange: Exchange, reply: Reply, scope: Scope): Verdict {
  for (const { variable, extractor, fallback } of exchange.extractors) {
    const value = extract(extractor, reply) ?? fallback?.evaluate(scope) ?? '';
    scope.variables.set(variable, value);
  }
  for (const check of exchange.checks) {
    const failure = failureOf(check, reply, scope);
    if (failure !== undefined) return { ...FINE, failure, anomaly: check.anomaly };
  }
  const wantsError = exchange.checks.some(({ conditions }) =>
    conditions.some(
      (each) => each.kind === 'error' || (each.kind === 'type' && each.types.includes('error')),
    ),
  );
  return wantsError ? FINE : judgeErrors(exchange, reply);
}

/** An error reply is a failure, also as one of a pipeline's or a transaction's replies. */
function judgeErrors(exchange: Exchange, reply: Reply): Verdict {
  const error = Array.isArray(reply)
    ? reply.find((each) => isFailure(exchange, each))
    : isFailure(exchange, reply) && reply;
  return error instanceof Error ? errorVerdict(error.message) : FINE;
}

function isFailure({ ignoredErrors }: Exchange, reply: Reply): boolean {
  return reply instanceof Error && ignoredErrors?.test(reply.message) !== true;
}

function errorVerdict(message: string): Verdict {
  const [code] = message.split(' ');
  return {
    failure: message,
    responseCode: code || 'ERR',
    responseMessage: message,
    anomaly: undefined,
  };
}
