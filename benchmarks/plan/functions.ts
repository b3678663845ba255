// The functions of plans. Names, arguments and results are JMeter's, where JMeter has them.
//
// A row builds a closure when the plan is read; arguments that are constant are checked and turned
// into numbers there. What comes from a reply is checked when it is used, and the sample fails.
// docs/plans.md has the table, and a test holds it to the rows here.
//
// Source of names and meanings: JMeter's user manual, "Functions and Variables".

import { randomUUID } from 'node:crypto';
import { monotonicMicros } from './clock.ts';
import {
  constantTemplate,
  type Evaluate,
  type Scope,
  type Site,
  type Template,
  TemplateError,
} from './template.ts';

export interface FunctionSpec {
  readonly name: string;
  readonly syntax: string;
  readonly about: string;
  readonly argumentsMin: number;
  readonly argumentsMax: number;
  build(args: readonly Template[], site: Site): Template;
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
const NAME = /^[A-Za-z_]\w*$/;

const evaluated = (evaluate: Evaluate): Template => ({ constant: undefined, evaluate });

/** With a name in the argument at `index`, the result is also stored in that variable. */
function storing(
  args: readonly Template[],
  index: number,
  site: Site,
  evaluate: Evaluate,
): Template {
  const name = args[index]?.constant;
  if (args[index] !== undefined && name === undefined) {
    throw new TemplateError('the name of a variable to store in must be written out');
  }
  if (name === undefined || name === '') return evaluated(evaluate);
  if (!NAME.test(name)) throw new TemplateError(`'${name}' is not the name of a variable`);
  site.variables.add(name);
  return evaluated((scope) => {
    const result = evaluate(scope);
    scope.variables.set(name, result);
    return result;
  });
}

function toInteger(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value)) {
    throw new TemplateError(`'${text}' is not a whole number`);
  }
  return value;
}

function integer(template: Template): (scope: Scope) => number {
  const { constant, evaluate } = template;
  if (constant === undefined) return (scope) => toInteger(evaluate(scope));
  const value = toInteger(constant);
  return () => value;
}

function buildRandom(args: readonly Template[], site: Site): Template {
  const from = integer(args[0]!);
  const to = integer(args[1]!);
  const [low, high] = [args[0]!.constant, args[1]!.constant];
  if (low !== undefined && high !== undefined && Number(low) > Number(high)) {
    throw new TemplateError(`no number is from ${low} to ${high}`);
  }
  return storing(args, 2, site, (scope) => {
    const first = from(scope);
    return String(first + Math.floor(scope.random() * (to(scope) - first + 1)));
  });
}

function buildRandomString(args: readonly Template[], site: Site): Template {
  const length = integer(args[0]!);
  const letters = args[1] ?? constantTemplate('');
  return storing(args, 2, site, (scope) => {
    const alphabet = letters.evaluate(scope) || ALPHANUMERIC;
    let text = '';
    for (let left = length(scope); left > 0; left--) {
      text += alphabet[Math.floor(scope.random() * alphabet.length)];
    }
    return text;
  });
}

function buildChooseRandom(args: readonly Template[], site: Site): Template {
  const choices = args.slice(0, -1);
  return storing(args, args.length - 1, site, (scope) =>
    choices[Math.floor(scope.random() * choices.length)]!.evaluate(scope),
  );
}

function buildCounter(args: readonly Template[], site: Site): Template {
  const isOwn = args[0]?.constant?.toUpperCase() || 'FALSE';
  if (isOwn !== 'TRUE' && isOwn !== 'FALSE') {
    throw new TemplateError('the first argument is TRUE (per user) or FALSE (of all users)');
  }
  const counter = site.newCounter();
  return storing(args, 1, site, (scope) => {
    if (isOwn === 'FALSE') return String(scope.shared.count(counter));
    const value = (scope.ownCounters[counter] ?? 0) + 1;
    scope.ownCounters[counter] = value;
    return String(value);
  });
}

/** Formats that have a name of their own. */
const TIME_ALIASES: Readonly<Record<string, string>> = {
  YMD: 'yyyyMMdd',
  HMS: 'HHmmss',
  YMDHMS: 'yyyyMMdd-HHmmss',
};

function buildTime(args: readonly Template[], site: Site): Template {
  const format = args[0]?.constant ?? '';
  const divisor = /^\/(\d+)$/.exec(format)?.[1];
  const pattern = TIME_ALIASES[format] ?? format;
  if (
    divisor === undefined &&
    /[A-Za-z]/.test(pattern.replaceAll(/yyyy|MM|dd|HH|mm|SSS|ss/g, ''))
  ) {
    throw new TemplateError(`'${format}': only yyyy MM dd HH mm ss SSS, YMD, HMS and /1000`);
  }
  return storing(args, 1, site, () => {
    if (divisor !== undefined) return String(Math.floor(Date.now() / Number(divisor)));
    return pattern === '' ? String(Date.now()) : formatTime(new Date(), pattern);
  });
}

function formatTime(time: Date, pattern: string): string {
  const padded = (value: number, length = 2) => String(value).padStart(length, '0');
  const fields: Readonly<Record<string, string>> = {
    yyyy: padded(time.getFullYear(), 4),
    MM: padded(time.getMonth() + 1),
    dd: padded(time.getDate()),
    HH: padded(time.getHours()),
    mm: padded(time.getMinutes()),
    ss: padded(time.getSeconds()),
    SSS: padded(time.getMilliseconds(), 3),
  };
  return pattern.replaceAll(/yyyy|MM|dd|HH|mm|SSS|ss/g, (field) => fields[field]!);
}

/** The last argument is a variable when it is a name and not a number, as in JMeter. */
function buildSum(args: readonly Template[], site: Site): Template {
  const last = args.at(-1)!.constant;
  const isNamed = last !== undefined && NAME.test(last);
  const terms = (isNamed ? args.slice(0, -1) : args).map(integer);
  const index = isNamed ? args.length - 1 : args.length;
  return storing(args, index, site, (scope) => {
    let sum = 0;
    for (const term of terms) sum += term(scope);
    return String(sum);
  });
}

function buildModulo(args: readonly Template[], site: Site): Template {
  const [dividend, divisor] = [integer(args[0]!), integer(args[1]!)];
  return storing(args, 2, site, (scope) => {
    const by = divisor(scope);
    if (by < 1) throw new TemplateError(`no remainder of a division by ${by}`);
    return String(((dividend(scope) % by) + by) % by);
  });
}

function buildProperty(args: readonly Template[], fallback: Template | undefined, site: Site) {
  const name = args[0]!.constant;
  if (name === undefined) throw new TemplateError('the name of a property must be written out');
  const value = site.properties.get(name);
  if (value !== undefined) return constantTemplate(value);
  // JMeter gives 1 where there is neither the property nor a default.
  return fallback ?? constantTemplate('1');
}

function buildVariableNamed(args: readonly Template[]): Template {
  const fallback = args[1]?.constant;
  return evaluated((scope) => {
    const name = args[0]!.evaluate(scope);
    return scope.variables.get(name) ?? fallback ?? name;
  });
}

function buildPayload(args: readonly Template[]): Template {
  const length = toInteger(args[0]!.constant ?? 'an expression');
  if (length < 0 || length > PAYLOAD_BYTES_MAX)
    throw new TemplateError(`no payload has ${length} B`);
  return constantTemplate('x'.repeat(length));
}

function buildTally(args: readonly Template[], site: Site): Template {
  const name = args[0]!.constant;
  if (name === undefined) throw new TemplateError('the name of a tally must be written out');
  const tally = site.tally(name);
  return evaluated((scope) => String(scope.shared.readTally(tally)));
}

export const FUNCTIONS: readonly FunctionSpec[] = [
  {
    name: '__Random',
    syntax: '__Random(from,to[,variable])',
    about: 'a whole number, both ends included',
    argumentsMin: 2,
    argumentsMax: 3,
    build: buildRandom,
  },
  {
    name: '__RandomString',
    syntax: '__RandomString(length[,characters[,variable]])',
    about: 'random characters, letters and digits unless told otherwise',
    argumentsMin: 1,
    argumentsMax: 3,
    build: buildRandomString,
  },
  {
    name: '__chooseRandom',
    syntax: '__chooseRandom(a,b,…,variable)',
    about: 'one of the values (of JMeter’s plugins; the last argument is a variable, or empty)',
    argumentsMin: 2,
    argumentsMax: 1_000,
    build: buildChooseRandom,
  },
  {
    name: '__counter',
    syntax: '__counter([TRUE or FALSE][,variable])',
    about: '1, 2, 3, … for each user (TRUE) or for all together (FALSE, or nothing)',
    argumentsMin: 0,
    argumentsMax: 2,
    build: buildCounter,
  },
  {
    name: '__threadNum',
    syntax: '__threadNum',
    about: 'number of the user in its group, from 1',
    argumentsMin: 0,
    argumentsMax: 0,
    build: () => evaluated((scope) => String(scope.threadNumber)),
  },
  {
    name: '__threadGroupName',
    syntax: '__threadGroupName',
    about: 'name of the group',
    argumentsMin: 0,
    argumentsMax: 0,
    build: () => evaluated((scope) => scope.groupName),
  },
  {
    name: '__samplerName',
    syntax: '__samplerName([variable])',
    about: 'label of the step',
    argumentsMin: 0,
    argumentsMax: 1,
    build: (args, site) => storing(args, 0, site, (scope) => scope.samplerName),
  },
  {
    name: '__time',
    syntax: '__time([format][,variable])',
    about: 'time of day: milliseconds, `/1000` for seconds, or a format of yyyy MM dd HH mm ss SSS',
    argumentsMin: 0,
    argumentsMax: 2,
    build: buildTime,
  },
  {
    name: '__timeMicros',
    syntax: '__timeMicros',
    about: 'microseconds of the clock that `wake-up` reads (not in JMeter)',
    argumentsMin: 0,
    argumentsMax: 0,
    build: () => evaluated(() => String(monotonicMicros())),
  },
  {
    name: '__UUID',
    syntax: '__UUID',
    about: 'a random UUID',
    argumentsMin: 0,
    argumentsMax: 0,
    build: () => evaluated(() => randomUUID()),
  },
  {
    name: '__intSum',
    syntax: '__intSum(a,b,…[,variable])',
    about: 'sum of whole numbers',
    argumentsMin: 2,
    argumentsMax: 100,
    build: buildSum,
  },
  {
    name: '__longSum',
    syntax: '__longSum(a,b,…[,variable])',
    about: 'the same',
    argumentsMin: 2,
    argumentsMax: 100,
    build: buildSum,
  },
  {
    name: '__modulo',
    syntax: '__modulo(a,b[,variable])',
    about: 'remainder of a / b, to deal users to keys (not in JMeter)',
    argumentsMin: 2,
    argumentsMax: 3,
    build: buildModulo,
  },
  {
    name: '__P',
    syntax: '__P(name[,default])',
    about: 'a property of the command line, `-J name=value`',
    argumentsMin: 1,
    argumentsMax: 2,
    build: (args, site) => buildProperty(args, args[1], site),
  },
  {
    name: '__property',
    syntax: '__property(name[,variable[,default]])',
    about: 'the same, stored in a variable',
    argumentsMin: 1,
    argumentsMax: 3,
    build: (args, site) => storing(args, 1, site, buildProperty(args, args[2], site).evaluate),
  },
  {
    name: '__V',
    syntax: '__V(name[,default])',
    about: 'the variable of a name that is put together from others',
    argumentsMin: 1,
    argumentsMax: 2,
    build: buildVariableNamed,
  },
  {
    name: '__payload',
    syntax: '__payload(bytes)',
    about: 'so many bytes, always the same (not in JMeter)',
    argumentsMin: 1,
    argumentsMax: 1,
    build: buildPayload,
  },
  {
    name: '__tally',
    syntax: '__tally(name)',
    about: 'how many samples a step with this `tally` has had (not in JMeter)',
    argumentsMin: 1,
    argumentsMax: 1,
    build: buildTally,
  },
];
