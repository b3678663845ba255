/**
 * What a command of the workload may reply at all. Values are unique over a run, so a reply that
 * went to the wrong request seldom has its shape and never its value.
 */
import { ReplyError, type ReplyValue } from '@hashlane/harness/tools';
import type { Operation } from './operation.ts';

type Shape = (reply: ReplyValue, words: readonly string[]) => boolean;

const isNumber: Shape = (reply) => typeof reply === 'number';
const isText: Shape = (reply) => typeof reply === 'string';
const isOk: Shape = (reply) => reply === 'OK';
const isTextOrNull: Shape = (reply) => reply === null || typeof reply === 'string';
const isTexts: Shape = (reply) => Array.isArray(reply) && reply.every((each) => isText(each, []));

function isPair(reply: ReplyValue, words: readonly string[], value: Shape): boolean {
  if (reply === null) return true;
  if (!Array.isArray(reply) || reply.length !== 2) return false;
  return words.includes(reply[0] as string) && value(reply[1] as ReplyValue, words);
}

const isPopped: Shape = (reply, words) => isPair(reply, words, isText);
const arePopped: Shape = (reply, words) => isPair(reply, words, isTexts);

const SHAPES: { readonly [name: string]: Shape } = {
  ECHO: (reply, words) => reply === words[1],
  GET: isTextOrNull,
  SET: isOk,
  INCR: isNumber,
  MSET: isOk,
  MSETNX: isNumber,
  MGET: (reply, words) => Array.isArray(reply) && reply.length === words.length - 1,
  DEL: isNumber,
  EXISTS: isNumber,
  RENAME: isOk,
  RENAMENX: isNumber,
  COPY: isNumber,
  LPUSH: isNumber,
  RPUSH: isNumber,
  LPOP: isTextOrNull,
  RPOP: isTextOrNull,
  LLEN: isNumber,
  LRANGE: isTexts,
  LMOVE: isTextOrNull,
  RPOPLPUSH: isTextOrNull,
  BLMOVE: isTextOrNull,
  LMPOP: arePopped,
  BLMPOP: arePopped,
  BLPOP: isPopped,
  BRPOP: isPopped,
  SWAPDB: isOk,
  FLUSHALL: isOk,
  FLUSHDB: isOk,
  CLIENT: isNumber,
  SELECT: isOk,
  HELLO: (reply) => Array.isArray(reply),
  WATCH: isOk,
  QUIT: isOk,
};

const ERRORS =
  /^(WRONGTYPE |UNBLOCKED |ERR no such key$|ERR source and destination|ERR value is not an integer)/;

function shapeProblem(
  words: readonly string[],
  reply: ReplyValue,
  mayFail: boolean,
): string | undefined {
  if (reply instanceof ReplyError) {
    if (ERRORS.test(reply.message) || (mayFail && /shard/.test(reply.message))) return undefined;
    return `unexpected error "${reply.message}"`;
  }
  const shape = SHAPES[words[0] as string];
  if (shape === undefined) throw new Error(`no shape for ${words[0]}`);
  return shape(reply, words) ? undefined : `impossible reply ${JSON.stringify(reply)}`;
}

/** What is wrong with an operation's replies by themselves; undefined when nothing is. */
export function replyProblem(operation: Operation, mayFail: boolean): string | undefined {
  const { requests, earlierReplies, reply } = operation;
  if (operation.name === 'MULTI') return transactionProblem(operation, mayFail);
  for (const [i, words] of requests.entries()) {
    const each = i < earlierReplies.length ? earlierReplies[i] : reply;
    const problem = shapeProblem(words, each as ReplyValue, mayFail);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function transactionProblem(operation: Operation, mayFail: boolean): string | undefined {
  const { requests, earlierReplies, reply } = operation;
  const isQueued = earlierReplies.every((each, i) => each === (i === 0 ? 'OK' : 'QUEUED'));
  if (!isQueued) return `a command was not queued: ${JSON.stringify(earlierReplies)}`;
  if (reply === null || (mayFail && reply instanceof ReplyError)) return undefined;
  const replies = reply as readonly ReplyValue[];
  if (!Array.isArray(reply) || replies.length !== requests.length - 2) {
    return `EXEC replied ${JSON.stringify(reply)}`;
  }
  for (const [i, words] of requests.slice(1, -1).entries()) {
    const problem = shapeProblem(words, replies[i] as ReplyValue, mayFail);
    if (problem !== undefined) return `in EXEC: ${problem}`;
  }
  return undefined;
}
