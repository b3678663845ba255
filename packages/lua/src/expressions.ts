/**
 * Expressions to JavaScript. Three ways to write one:
 *
 *   value      JavaScript for exactly one Lua value
 *   condition  JavaScript for a boolean: is the value neither nil nor false
 *   results    JavaScript for what a call or `...` gives: a value or an array of them
 *
 * Arithmetic and comparison test for numbers in line and call operators.ts otherwise; where
 * inference knows better the test is left out. Operands that are not simple are held in temporaries.
 * Globals that cannot change (the library) become constants of the chunk.
 */
import {
  localName,
  marker,
  nameArgument,
  nameArguments,
  numberLiteral,
  quote,
  Temporaries,
} from './code-writer.ts';
import { isNumeric } from './number-inference.ts';
import type {
  BinaryExpression,
  CallExpression,
  Expression,
  FunctionBody,
  IndexExpression,
  Local,
  TableExpression,
} from './syntax-tree.ts';
import { type LiteralArgument, type LuaFunction, type LuaValue, makeCallSite } from './values.ts';

/** What a chunk's functions share: values that the generated code refers to by name. */
export interface ChunkConstants {
  /** False when what `global` and `field` give holds only later than at the first run. */
  readonly isFixed: boolean;
  /** The value of a global that cannot change any more, or undefined. */
  global(name: string): LuaValue;
  /** The value of a field of such a global. */
  field(globalName: string, key: string): LuaValue;
  /** An expression for what `global` or `field` gave, in the generated code of a line. */
  nameOf(value: LuaValue, line: number): string;
}

const ARITHMETIC: ReadonlyMap<string, readonly [operator: string, slow: string]> = new Map([
  ['+', ['+', 'add']],
  ['-', ['-', 'subtract']],
  ['*', ['*', 'multiply']],
  ['/', ['/', 'divide']],
  ['%', ['modulo', 'moduloOf']],
  ['^', ['power', 'powerOf']],
]);
const COMPARISONS = new Set(['==', '~=', '<', '<=', '>', '>=']);

interface Operand {
  /** What comes first: assignments to temporaries, each with a comma behind it. */
  readonly before: string;
  readonly code: string;
  readonly temporary: string | undefined;
}

export abstract class ExpressionWriter {
  protected readonly temporaries = new Temporaries();
  protected readonly constants: ChunkConstants;
  /** Locals that the code names, its own and others'. */
  readonly named = new Set<Local>();

  constructor(constants: ChunkConstants) {
    this.constants = constants;
  }

  /** True while a statement is written that lies on one line, the line of the marker before it. */
  protected isMarked = false;

  protected abstract functionCode(body: FunctionBody): string;

  protected mark(line: number): string {
    return this.isMarked ? '' : marker(line);
  }

  value(expression: Expression): string {
    switch (expression.kind) {
      case 'nil':
        return 'undefined';
      case 'true':
      case 'false':
        return expression.kind;
      case 'number':
        return numberLiteral(expression.value);
      case 'string':
        return quote(expression.value);
      case 'varargs':
        return 'varargs[0]';
      case 'function':
        return `(${this.functionCode(expression.body)})`;
      case 'local':
        return this.#local(expression.local);
      case 'global':
        return this.#global(expression.name, expression.line);
      case 'index':
        return this.#index(expression);
      case 'call':
        return `first(${this.results(expression)})`;
      case 'parenthesis':
        return this.value(expression.inner);
      case 'table':
        return this.#table(expression);
      case 'binary':
        return this.#binary(expression);
      default:
        return this.#unary(expression.operator, expression.operand, expression.line);
    }
  }

  /** For the last expression of a list and for `return f()`. */
  results(expression: Expression): string {
    if (expression.kind === 'call') return this.call(expression);
    return expression.kind === 'varargs' ? 'varargs' : this.value(expression);
  }

  /** A list of values, the last one spread when it may have several. */
  list(expressions: readonly Expression[]): string {
    return expressions
      .map((expression, at) => {
        if (at < expressions.length - 1) return this.value(expression);
        if (expression.kind === 'varargs') return '...varargs';
        return expression.kind === 'call'
          ? `...all(${this.call(expression)})`
          : this.value(expression);
      })
      .join(',');
  }

  condition(expression: Expression): string {
    switch (expression.kind) {
      case 'nil':
      case 'false':
        return 'false';
      case 'true':
      case 'number':
      case 'string':
        return 'true';
      case 'parenthesis':
        return this.condition(expression.inner);
      case 'local':
        return this.#isTrue(this.#local(expression.local));
      case 'unary':
        if (expression.operator === 'not') return `!${this.condition(expression.operand)}`;
        break;
      case 'binary':
        if (expression.operator === 'and') return this.#both(expression, '&&');
        if (expression.operator === 'or') return this.#both(expression, '||');
        if (COMPARISONS.has(expression.operator)) return this.#comparison(expression);
        break;
      default:
    }
    return `isTruthy(${this.value(expression)})`;
  }

  #isTrue(name: string): string {
    return `(${name}!==undefined&&${name}!==false)`;
  }

  /** A local, or the constant that it is. */
  #local(local: Local): string {
    const constant = this.#constantOfLocal(local);
    return constant === undefined ? this.nameOf(local) : this.constants.nameOf(constant, 0);
  }

  /** The name of a local that the code uses. */
  protected nameOf(local: Local): string {
    this.named.add(local);
    return localName(local);
  }

  #both({ left, right }: BinaryExpression, operator: string): string {
    return `(${this.condition(left)}${operator}${this.condition(right)})`;
  }

  #global(name: string, line: number): string {
    const constant = this.constants.global(name);
    if (constant !== undefined) return this.constants.nameOf(constant, line);
    return `${this.mark(line)}global(${quote(name)})`;
  }

  /** The value of `string.sub` and its like, when it cannot change. */
  #constantOf(expression: Expression): LuaValue {
    if (expression.kind === 'local') return this.#constantOfLocal(expression.local);
    if (expression.kind === 'global') return this.constants.global(expression.name);
    if (expression.kind !== 'index') return undefined;
    const { object, key } = expression;
    if (object.kind !== 'global' || key.kind !== 'string') return undefined;
    return this.constants.field(object.name, key.value);
  }

  /** For `local call = redis.call` and its like, if it is never assigned. */
  #constantOfLocal({ isAssigned, sources }: Local): LuaValue {
    const source = sources?.[0];
    if (isAssigned || source === undefined || !this.constants.isFixed) return undefined;
    return source.kind === 'index' || source.kind === 'global'
      ? this.#constantOf(source)
      : undefined;
  }

  /** A local that holds a function of the script from its declaration on. */
  #isFunction({ isAssigned, isFunction, sources }: Local): boolean {
    return !isAssigned && (isFunction || sources?.[0]?.kind === 'function');
  }

  #index(expression: IndexExpression): string {
    const constant = this.#constantOf(expression);
    if (constant !== undefined) return this.constants.nameOf(constant, expression.line);
    const { object, key, line } = expression;
    const read = key.kind === 'string' ? 'field' : 'index';
    const objectCode = this.value(object);
    return `${this.mark(line)}${read}(${objectCode},${this.value(key)}${nameArgument(object)})`;
  }

  #table({ items, fields, line }: TableExpression): string {
    const itemCode = `[${this.list(items)}]`;
    if (fields.length === 0) return `new LuaTable(${itemCode})`;
    const pairs = fields.map(({ key, value }) => `${this.value(key)},${this.value(value)}`);
    return `${this.mark(line)}tableOf(${itemCode},[${pairs.join(',')}])`;
  }

  /** `isForEffect`: nobody looks at the results. */
  call(expression: CallExpression, isForEffect = false): string {
    const { callee, method, args, line } = expression;
    const mark = this.mark(line);
    if (method !== undefined) return this.#methodCall(expression, method);
    const constant = this.#constantOf(callee);
    if (typeof constant === 'function') {
      const site = this.#callSite(constant, args, isForEffect);
      if (site !== undefined) {
        const others = args.filter((each) => literalOf(each) === undefined);
        return `${mark}${this.constants.nameOf(site, line)}(${this.list(others)})`;
      }
      return `${mark}${this.constants.nameOf(constant, line)}(${this.list(args)})`;
    }
    const name = nameArgument(callee);
    if (callee.kind === 'local') {
      const code = this.nameOf(callee.local);
      if (this.#isFunction(callee.local)) return `${mark}${code}(${this.list(args)})`;
      return `(typeof ${code}==='function'?${code}:callable(${code}${name}))${mark}(${this.list(args)})`;
    }
    const calleeCode = this.value(callee);
    const held = this.temporaries.take();
    const target = `(typeof (${held}=${calleeCode})==='function'?${held}:callable(${held}${name}))`;
    this.temporaries.give(held);
    return `${target}${mark}(${this.list(args)})`;
  }

  /** A function for this place that knows the literals among the arguments. */
  #callSite(
    target: LuaFunction,
    args: readonly Expression[],
    isForEffect: boolean,
  ): LuaFunction | undefined {
    const last = args.at(-1)?.kind;
    if (!this.constants.isFixed || last === 'call' || last === 'varargs') return undefined;
    return makeCallSite(target, args.map(literalOf), isForEffect);
  }

  #methodCall({ callee, args, line }: CallExpression, method: string): string {
    const mark = this.mark(line);
    const calleeCode = this.value(callee);
    const held = this.temporaries.take();
    const found = this.temporaries.take();
    const read = `${mark}field(${held}=${calleeCode},${quote(method)}${nameArgument(callee)})`;
    const name = quote(`method '${method}'`);
    const target = `(typeof (${found}=${read})==='function'?${found}:callable(${found},${name}))`;
    this.temporaries.give(held, found);
    const list = this.list(args);
    return `${target}${mark}(${held}${list === '' ? '' : `,${list}`})`;
  }

  /** An operand that can be named twice: a local or literal as it is, the rest in a temporary. */
  #operand(expression: Expression): Operand {
    const { kind } = expression;
    const code = this.value(expression);
    if (kind === 'local' || kind === 'number' || kind === 'string') {
      return { before: '', code, temporary: undefined };
    }
    const temporary = this.temporaries.take();
    return { before: `${temporary}=${code},`, code: temporary, temporary };
  }

  #release(...operands: readonly Operand[]): void {
    for (const { temporary } of operands) {
      if (temporary !== undefined) this.temporaries.give(temporary);
    }
  }

  #binary(expression: BinaryExpression): string {
    const { operator, left, right, line } = expression;
    if (operator === 'and' || operator === 'or') return this.#choice(expression);
    if (COMPARISONS.has(operator)) return this.#comparison(expression);
    if (operator === '..') {
      const leftCode = this.value(left);
      const names = nameArguments(left, right);
      return `${this.mark(line)}concat(${leftCode},${this.value(right)}${names})`;
    }
    return this.#arithmetic(expression);
  }

  /** `and` and `or` as values. */
  #choice({ operator, left, right }: BinaryExpression): string {
    if (this.#isBoolean(left)) {
      return `(${this.condition(left)}${operator === 'and' ? '&&' : '||'}${this.value(right)})`;
    }
    const operand = this.#operand(left);
    const { code } = operand;
    this.#release(operand);
    const rightCode = this.value(right);
    const test = `${code}!==undefined&&${code}!==false`;
    const [yes, no] = operator === 'and' ? [rightCode, code] : [code, rightCode];
    return `(${operand.before}${test}?${yes}:${no})`;
  }

  #isBoolean(expression: Expression): boolean {
    switch (expression.kind) {
      case 'true':
      case 'false':
        return true;
      case 'parenthesis':
        return this.#isBoolean(expression.inner);
      case 'unary':
        return expression.operator === 'not';
      case 'binary':
        if (COMPARISONS.has(expression.operator)) return true;
        if (expression.operator !== 'and' && expression.operator !== 'or') return false;
        return this.#isBoolean(expression.left) && this.#isBoolean(expression.right);
      default:
        return false;
    }
  }

  #arithmetic({ operator, left, right, line }: BinaryExpression): string {
    const [fast, slow] = ARITHMETIC.get(operator)!;
    if (isNumeric(left) && isNumeric(right)) {
      return `(${apply(fast, this.value(left), this.value(right))})`;
    }
    const a = this.#operand(left);
    const b = this.#operand(right);
    this.#release(a, b);
    const test = numberTest(left, right, a.code, b.code);
    const names = nameArguments(left, right);
    const slowCode = `${this.mark(line)}${slow}(${a.code},${b.code}${names})`;
    return `(${a.before}${b.before}${test}?${apply(fast, a.code, b.code)}:${slowCode})`;
  }

  #comparison({ operator, left, right, line }: BinaryExpression): string {
    if (operator === '==' || operator === '~=') return this.#equality(operator, left, right, line);
    if (isNumeric(left) && isNumeric(right)) {
      return `(${this.value(left)}${operator}${this.value(right)})`;
    }
    const a = this.#operand(left);
    const b = this.#operand(right);
    this.#release(a, b);
    const test = numberTest(left, right, a.code, b.code);
    const slow = operator === '<' || operator === '>' ? 'less' : 'lessOrEqual';
    const isSwapped = operator === '>' || operator === '>=';
    const [first, second] = isSwapped ? [b.code, a.code] : [a.code, b.code];
    const slowCode = `${this.mark(line)}${slow}(${first},${second})`;
    return `(${a.before}${b.before}${test}?${a.code}${operator}${b.code}:${slowCode})`;
  }

  #equality(operator: string, left: Expression, right: Expression, line: number): string {
    const leftCode = this.value(left);
    const rightCode = this.value(right);
    if (isPlain(left) || isPlain(right)) {
      return `(${leftCode}${operator === '==' ? '===' : '!=='}${rightCode})`;
    }
    return `${operator === '==' ? '' : '!'}${this.mark(line)}equals(${leftCode},${rightCode})`;
  }

  #unary(operator: '-' | 'not' | '#', operand: Expression, line: number): string {
    if (operator === 'not') return `!${this.condition(operand)}`;
    const code = this.value(operand);
    if (operator === '-' && isNumeric(operand)) return `(-${code})`;
    const name = nameArgument(operand);
    return `${this.mark(line)}${operator === '-' ? 'negate' : 'length'}(${code}${name})`;
  }
}

function literalOf(expression: Expression): LiteralArgument {
  const { kind } = expression;
  return kind === 'string' || kind === 'number' ? expression.value : undefined;
}

/** True for what no metamethod `__eq` is asked for. */
function isPlain(expression: Expression): boolean {
  const { kind } = expression;
  return (
    kind === 'nil' ||
    kind === 'true' ||
    kind === 'false' ||
    kind === 'string' ||
    isNumeric(expression)
  );
}

function apply(operator: string, left: string, right: string): string {
  return operator.length === 1 ? `${left}${operator}${right}` : `${operator}(${left},${right})`;
}

function numberTest(left: Expression, right: Expression, a: string, b: string): string {
  const tests: string[] = [];
  if (!isNumeric(left)) tests.push(`typeof ${a}==='number'`);
  if (!isNumeric(right)) tests.push(`typeof ${b}==='number'`);
  return tests.length === 0 ? 'true' : tests.join('&&');
}
