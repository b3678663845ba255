/** The table `redis` of scripts: commands, replies, log. Functions and texts are Redis's. */
import { createHash } from 'node:crypto';
import { REDIS_VERSION } from '@hashlane/core';
import {
  type LiteralArgument,
  LuaError,
  type LuaFunction,
  LuaTable,
  type LuaValue,
  numberToText,
  setCallSites,
} from '@hashlane/lua';
import type { CommandCaller } from './command-caller.ts';
import { raised, scriptError } from './error-table.ts';

/** Levels of redis.log, by number. */
export const LOG_LEVELS = ['debug', 'verbose', 'notice', 'warning'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const REPLICATION_FLAGS_MAX = 3;

const CONSTANTS: readonly (readonly [string, LuaValue])[] = [
  ...LOG_LEVELS.map((level, i) => [`LOG_${level.toUpperCase()}`, i] as const),
  ['REPL_NONE', 0],
  ['REPL_AOF', 1],
  ['REPL_SLAVE', 2],
  ['REPL_REPLICA', 2],
  ['REPL_ALL', 3],
  ['REDIS_VERSION', REDIS_VERSION],
  ['REDIS_VERSION_NUM', versionNumber(REDIS_VERSION)],
];

/** 7.4.0 → 0x00070400. */
function versionNumber(version: string): number {
  return version.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

function textOf(value: LuaValue): string | undefined {
  if (typeof value === 'number') return numberToText(value);
  return typeof value === 'string' ? value : undefined;
}

function sha1hex(...args: LuaValue[]): LuaValue {
  if (args.length !== 1) throw raised('wrong number of arguments');
  return createHash('sha1')
    .update(textOf(args[0]) ?? '', 'latin1')
    .digest('hex');
}

function errorReply(...args: LuaValue[]): LuaValue {
  if (args.length !== 1 || typeof args[0] !== 'string') {
    return scriptError('wrong number or type of arguments');
  }
  const text = args[0];
  return scriptError(text.startsWith('-') ? text : `-${text}`);
}

function statusReply(...args: LuaValue[]): LuaValue {
  if (args.length !== 1 || typeof args[0] !== 'string') {
    return scriptError('wrong number or type of arguments');
  }
  return LuaTable.of([['ok', args[0]]]);
}

function setReplication(...args: LuaValue[]): LuaValue {
  if (args.length !== 1) throw raised('redis.set_repl() requires two arguments.');
  const flags = Number(args[0]);
  if (!(flags >= 0 && flags <= REPLICATION_FLAGS_MAX)) {
    throw raised('Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.');
  }
  return undefined;
}

/** Where redis.log goes. */
export type WriteLog = (level: LogLevel, text: string) => void;

function writeLog(log: WriteLog): LuaFunction {
  return (...args) => {
    if (args.length < 2) throw raised('redis.log() requires two arguments or more.');
    const [number, ...parts] = args;
    if (typeof number !== 'number') {
      throw raised('First argument must be a number (log level).');
    }
    const level = LOG_LEVELS[Math.trunc(number)];
    if (level === undefined) throw raised('Invalid debug level.');
    log(
      level,
      parts
        .map(textOf)
        .filter((part) => part !== undefined)
        .join(' '),
    );
    return undefined;
  };
}

/** What could not even be executed is an error like those that commands reply. */
function protectedCall(caller: CommandCaller, args: readonly LuaValue[]): LuaValue {
  try {
    return caller.pcall(args);
  } catch (error) {
    if (error instanceof LuaError && error.value instanceof LuaTable) return error.value;
    throw error;
  }
}

type Fields = readonly (readonly [string, LuaValue])[];

/** redis.call in one place of a script. */
function callFrom(
  caller: CommandCaller,
  literals: readonly LiteralArgument[],
  isForEffect: boolean,
): LuaFunction | undefined {
  const site = caller.siteOf(literals);
  if (site !== undefined) {
    if (isForEffect) return (...args) => caller.callForEffectAt(site, args);
    return (...args) => caller.callAt(site, args);
  }
  // Such a function gets no literals, and without a site nobody knows them.
  const hasLiterals = literals.some((literal) => literal !== undefined);
  return isForEffect && !hasLiterals ? (...args) => caller.callForEffect(args) : undefined;
}

/** What both scripts and functions have, whose commands go through `caller`. */
function commonFields(caller: CommandCaller, log: WriteLog): Fields {
  const setProtocol: LuaFunction = (...args) => {
    if (args.length !== 1) throw raised('redis.setresp() requires one argument.');
    const version = Math.trunc(Number(args[0]));
    if (version !== 2 && version !== 3) throw raised('RESP version must be 2 or 3.');
    caller.setProtocol(version);
    return undefined;
  };
  const checkCommand: LuaFunction = (...args) => {
    const answer = caller.exists(args);
    if (answer instanceof LuaTable)
      throw raised(String(answer.getField('err')).replace('ERR ', ''));
    return answer;
  };
  const call: LuaFunction = (...args) => caller.call(args);
  setCallSites(call, (literals, isForEffect) => callFrom(caller, literals, isForEffect));
  return [
    ...CONSTANTS,
    ['call', call],
    ['pcall', (...args) => protectedCall(caller, args)],
    ['error_reply', errorReply],
    ['status_reply', statusReply],
    ['sha1hex', sha1hex],
    ['log', writeLog(log)],
    ['setresp', setProtocol],
    ['set_repl', setReplication],
    ['acl_check_cmd', checkCommand],
  ];
}

/** The table for scripts. */
export function redisLibrary(caller: CommandCaller, log: WriteLog): LuaTable {
  return LuaTable.of([
    ...commonFields(caller, log),
    ['replicate_commands', () => true],
    // There is no debugger: as without one in Redis.
    ['breakpoint', () => false],
    ['debug', () => undefined],
  ]);
}

/** The table for functions. */
export function functionLibrary(caller: CommandCaller, log: WriteLog): LuaTable {
  return LuaTable.of(commonFields(caller, log));
}

/** The table for the code of a library while it is loaded. */
export function loadingLibrary(register: LuaFunction, log: WriteLog): LuaTable {
  const constants = CONSTANTS.filter(([name]) => !name.startsWith('REPL_'));
  return LuaTable.of([...constants, ['log', writeLog(log)], ['register_function', register]]);
}
