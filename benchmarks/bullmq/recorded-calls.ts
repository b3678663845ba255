// From the requests of a recorded run to calls that can be sent again.
//
// A client library sends a script's text the first time on a connection (EVAL) and its hash from
// then on. Here every call becomes EVALSHA, and the texts go to a list of their own, to be loaded
// before a replay. What a connection sends for itself (HELLO, CLIENT, INFO) is left out; any other
// command, such as the HSET of a queue's meta data, is part of what was done and is kept.

import { createHash } from 'node:crypto';
import { encodeCommand } from '../resp-client.ts';
import type { RequestWords } from './request-reader.ts';

const OF_THE_CONNECTION = new Set(['hello', 'client', 'info', 'select', 'ping', 'auth', 'command']);

export interface Call {
  /** Hash of the script in lower case; undefined for a command that is no script. */
  readonly sha: string | undefined;
  readonly bytes: Buffer;
}

export function shaOf(text: string | Buffer): string {
  return createHash('sha1').update(text).digest('hex');
}

/** The calls in order; texts of scripts are added to `texts` by their hash. */
export function callsOf(requests: readonly RequestWords[], texts: Map<string, Buffer>): Call[] {
  return requests.flatMap((words): Call[] => {
    const name = words[0]?.toString('latin1').toLowerCase() ?? '';
    if (OF_THE_CONNECTION.has(name)) return [];
    if (name === 'evalsha') {
      return [{ sha: words[1]!.toString('latin1').toLowerCase(), bytes: encodeCommand(...words) }];
    }
    if (name !== 'eval') return [{ sha: undefined, bytes: encodeCommand(...words) }];
    const sha = shaOf(words[1]!);
    texts.set(sha, words[1]!);
    return [{ sha, bytes: encodeCommand('EVALSHA', sha, ...words.slice(2)) }];
  });
}

/** Calls that are sent and timed together: their bytes, and where each one ends. */
export interface CallSequence {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

export function sequenceOf(calls: readonly Buffer[]): CallSequence {
  let end = 0;
  const ends = calls.map((call) => {
    end += call.length;
    return end;
  });
  return { bytes: Buffer.concat(calls), ends };
}

/** Throws when the calls are not all of the one script: then the recording is not what it says. */
export function mustBeOf(sha: string, name: string, calls: readonly Call[]): readonly Call[] {
  const stray = calls.find((call) => call.sha !== sha);
  if (stray !== undefined) {
    const what = JSON.stringify(stray.bytes.toString('latin1', 0, 80));
    throw new Error(`among recorded calls of ${name}: ${what}`);
  }
  return calls;
}
