/**
 * The rows of EVAL and its relatives. What they do is in the package `scripting`, behind
 * `engine.scripts`; SCRIPT and FUNCTION are the gateway's, which keeps what is loaded.
 */
import type { CommandContext } from '../command-context.ts';
import type { ScriptHost } from '../script-host.ts';
import {
  type CommandSpec,
  INTERNAL,
  type KeyRange,
  MAY_REPLICATE,
  MOVABLE_KEYS,
  NO_MANDATORY_KEYS,
  NOSCRIPT,
  READONLY,
  SKIP_MONITOR,
  STALE,
} from './command-spec.ts';

const FLAGS = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS | MOVABLE_KEYS;

function declaredKeys(access: string, notes?: string): readonly KeyRange[] {
  const range = { first: 0, last: 0, step: 1, countAt: 2, access };
  return [notes === undefined ? range : { ...range, notes }];
}

const WRITTEN_NOTES =
  'We cannot tell how the keys will be used so we assume the worst, RW and UPDATE';
const READ_NOTES = 'We cannot tell how the keys will be used so we assume the worst, RO and ACCESS';

type Method = 'evaluate' | 'evaluateDigest' | 'callFunction';

function runner(method: Method, isReadOnly: boolean): (context: CommandContext) => void {
  return (context) => {
    const scripts: ScriptHost | undefined = context.engine.scripts;
    if (scripts === undefined) throw new Error('this engine runs no scripts');
    scripts[method](context, isReadOnly);
  };
}

const ROW = {
  arity: -3,
  group: 'scripting',
  spread: 'script',
  complexity: 'Depends on the script that is executed.',
} as const;

const ARGUMENTS = 'numkeys [key [key ...]] [arg [arg ...]]';

export const scriptingCommands = [
  {
    ...ROW,
    name: 'EVAL',
    flags: FLAGS | MAY_REPLICATE,
    keys: declaredKeys('RW access update', WRITTEN_NOTES),
    since: '2.6.0',
    syntax: `script ${ARGUMENTS}`,
    summary: 'Executes a server-side Lua script.',
    handler: runner('evaluate', false),
  },
  {
    ...ROW,
    name: 'EVALSHA',
    flags: FLAGS | MAY_REPLICATE,
    keys: declaredKeys('RW access update'),
    since: '2.6.0',
    syntax: `sha1 ${ARGUMENTS}`,
    summary: 'Executes a server-side Lua script by SHA1 digest.',
    handler: runner('evaluateDigest', false),
  },
  {
    ...ROW,
    name: 'EVAL_RO',
    flags: FLAGS | READONLY,
    keys: declaredKeys('RO access', READ_NOTES),
    since: '7.0.0',
    syntax: `script ${ARGUMENTS}`,
    summary: 'Executes a read-only server-side Lua script.',
    handler: runner('evaluate', true),
  },
  {
    ...ROW,
    name: 'EVALSHA_RO',
    flags: FLAGS | READONLY,
    keys: declaredKeys('RO access'),
    since: '7.0.0',
    syntax: `sha1 ${ARGUMENTS}`,
    summary: 'Executes a read-only server-side Lua script by SHA1 digest.',
    handler: runner('evaluateDigest', true),
  },
  {
    ...ROW,
    name: 'FCALL',
    flags: FLAGS | MAY_REPLICATE,
    keys: declaredKeys('RW access update', WRITTEN_NOTES),
    since: '7.0.0',
    syntax: `function ${ARGUMENTS}`,
    summary: 'Invokes a function.',
    handler: runner('callFunction', false),
  },
  {
    ...ROW,
    name: 'FCALL_RO',
    flags: FLAGS | READONLY,
    keys: declaredKeys('RO access', READ_NOTES),
    since: '7.0.0',
    syntax: `function ${ARGUMENTS}`,
    summary: 'Invokes a read-only function.',
    handler: runner('callFunction', true),
  },
  {
    name: 'HASHLANE.SCRIPT',
    arity: 2,
    flags: INTERNAL,
    group: 'internal',
    since: '0.1.0',
    syntax: 'script',
    complexity: 'O(N) with N being the length of the script.',
    summary: 'Compiles a script and replies its SHA1.',
    handler: (context) => context.engine.scripts?.load(context),
  },
] as const satisfies readonly CommandSpec[];
