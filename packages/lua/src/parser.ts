/**
 * Lua 5.1's grammar by recursive descent, names resolved on the way.
 *
 * Recursion is bounded by SYNTAX_LEVELS_MAX as in Lua, so nested input cannot exhaust the stack; a
 * chain of binary operators is a loop. Messages are those of Lua's parser, with the line it names:
 * the line of the last token that had been read when Lua emits the instruction.
 */
import { Lexer } from './lexer.ts';
import { SYNTAX_LEVELS_MAX } from './limits.ts';
import type {
  BinaryOperator,
  CallExpression,
  Expression,
  FunctionBody,
  FunctionScope,
  Local,
  Statement,
} from './syntax-tree.ts';

export interface ParsedScript {
  readonly main: FunctionBody;
  readonly locals: readonly Local[];
}

/** Left and right binding power, as in lparser.c of Lua 5.1. */
const PRIORITIES: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['+', [6, 6]],
  ['-', [6, 6]],
  ['*', [7, 7]],
  ['/', [7, 7]],
  ['%', [7, 7]],
  ['^', [10, 9]],
  ['..', [5, 4]],
  ['==', [3, 3]],
  ['~=', [3, 3]],
  ['<', [3, 3]],
  ['<=', [3, 3]],
  ['>', [3, 3]],
  ['>=', [3, 3]],
  ['and', [2, 2]],
  ['or', [1, 1]],
]);
const UNARY_PRIORITY = 8;
const BLOCK_ENDS = new Set(['else', 'elseif', 'end', 'until', '<eof>']);

export function parseScript(source: string, name: string): ParsedScript {
  return new Parser(source, name).parse();
}

class Parser {
  readonly #lexer: Lexer;
  readonly #locals: Local[] = [];
  #scope: FunctionScope = { parent: undefined, isVararg: true };
  /** Visible locals, innermost last, and what each of them hides. */
  readonly #visible: Local[] = [];
  readonly #hidden: (Local | undefined)[] = [];
  /** The innermost visible local of each name. */
  readonly #byName = new Map<string, Local>();
  #levels = 0;
  #loops = 0;

  constructor(source: string, name: string) {
    this.#lexer = new Lexer(source, name);
  }

  parse(): ParsedScript {
    const body = this.#block();
    if (this.#lexer.type !== '<eof>') throw this.#expected('<eof>');
    return { main: { scope: this.#scope, parameters: [], body, line: 0 }, locals: this.#locals };
  }

  #expected(token: string): Error {
    return this.#lexer.error(`'${token}' expected`);
  }

  #accept(token: string): boolean {
    if (this.#lexer.type !== token) return false;
    this.#lexer.advance();
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw this.#expected(token);
  }

  /** Lua names the opening token in the message when it is on another line. */
  #expectClose(close: string, open: string, line: number): void {
    if (this.#accept(close)) return;
    if (line === this.#lexer.line) throw this.#expected(close);
    throw this.#lexer.error(`'${close}' expected (to close '${open}' at line ${line})`);
  }

  #name(): string {
    if (this.#lexer.type !== '<name>') throw this.#expected('<name>');
    const name = this.#lexer.value as string;
    this.#lexer.advance();
    return name;
  }

  #enterLevel(): void {
    if (++this.#levels > SYNTAX_LEVELS_MAX) {
      throw this.#lexer.plainError('chunk has too many syntax levels');
    }
  }

  /** The line of what began on `line` and ends with the last token, or 0 when it has several. */
  #oneLine(line: number): number {
    return this.#lexer.lastLine === line ? line : 0;
  }

  #newLocal(name: string, sources: Expression[] | undefined, isFunction = false): Local {
    const local: Local = {
      name,
      number: this.#locals.length,
      owner: this.#scope,
      isAssigned: false,
      isCaptured: false,
      sources,
      isNumber: false,
      isFunction,
    };
    this.#locals.push(local);
    return local;
  }

  #show(local: Local): void {
    const { name } = local;
    this.#visible.push(local);
    this.#hidden.push(this.#byName.get(name));
    this.#byName.set(name, local);
  }

  /** Forgets locals until so many are visible. */
  #hide(count: number): void {
    for (let at = this.#visible.length - 1; at >= count; at--) {
      const { name } = this.#visible.pop()!;
      const hidden = this.#hidden.pop();
      if (hidden === undefined) this.#byName.delete(name);
      else this.#byName.set(name, hidden);
    }
  }

  #resolve(name: string): Expression {
    const local = this.#byName.get(name);
    if (local === undefined) return { kind: 'global', name, line: this.#lexer.line };
    const isUpvalue = local.owner !== this.#scope;
    if (isUpvalue) local.isCaptured = true;
    return { kind: 'local', local, isUpvalue };
  }

  #block(): Statement[] {
    const visible = this.#visible.length;
    const statements = this.#statements();
    this.#hide(visible);
    return statements;
  }

  #statements(): Statement[] {
    const statements: Statement[] = [];
    this.#enterLevel();
    while (!BLOCK_ENDS.has(this.#lexer.type)) {
      const statement = this.#statement();
      statements.push(statement);
      this.#accept(';');
      if (statement.kind === 'return' || statement.kind === 'break') break;
    }
    this.#levels--;
    return statements;
  }

  #statement(): Statement {
    const { type, line } = this.#lexer;
    switch (type) {
      case 'if':
        return this.#if(line);
      case 'while':
        return this.#while(line);
      case 'do': {
        this.#lexer.advance();
        const body = this.#block();
        this.#expectClose('end', 'do', line);
        return { kind: 'do', body };
      }
      case 'for':
        return this.#for(line);
      case 'repeat':
        return this.#repeat(line);
      case 'function':
        return this.#functionStatement(line);
      case 'local':
        this.#lexer.advance();
        return this.#accept('function') ? this.#localFunction() : this.#local(line);
      case 'return':
        return this.#return(line);
      case 'break':
        this.#lexer.advance();
        if (this.#loops === 0) throw this.#lexer.error('no loop to break');
        return { kind: 'break' };
      default:
        return this.#expressionStatement(line);
    }
  }

  #if(line: number): Statement {
    const clauses: { condition: Expression | undefined; oneLine: number; body: Statement[] }[] = [];
    do {
      const ifLine = this.#lexer.line;
      this.#lexer.advance();
      const condition = this.#expression();
      this.#expect('then');
      clauses.push({ condition, oneLine: this.#oneLine(ifLine), body: this.#block() });
    } while (this.#lexer.type === 'elseif');
    if (this.#accept('else')) {
      clauses.push({ condition: undefined, oneLine: 0, body: this.#block() });
    }
    this.#expectClose('end', 'if', line);
    return { kind: 'if', clauses };
  }

  #while(line: number): Statement {
    this.#lexer.advance();
    const condition = this.#expression();
    this.#expect('do');
    const body = this.#loopBody();
    this.#expectClose('end', 'while', line);
    return { kind: 'while', condition, body };
  }

  #loopBody(): Statement[] {
    this.#loops++;
    const body = this.#block();
    this.#loops--;
    return body;
  }

  #repeat(line: number): Statement {
    this.#lexer.advance();
    const visible = this.#visible.length;
    this.#loops++;
    const body = this.#statements();
    this.#loops--;
    this.#expectClose('until', 'repeat', line);
    const condition = this.#expression();
    this.#hide(visible);
    return { kind: 'repeat', condition, body };
  }

  #for(line: number): Statement {
    this.#lexer.advance();
    const name = this.#name();
    const visible = this.#visible.length;
    const { type } = this.#lexer;
    if (type !== '=' && type !== ',' && type !== 'in') {
      throw this.#lexer.error("'=' or 'in' expected");
    }
    const statement = type === '=' ? this.#numericFor(name, line) : this.#genericFor(name, line);
    this.#expectClose('end', 'for', line);
    this.#hide(visible);
    return statement;
  }

  #numericFor(name: string, line: number): Statement {
    this.#lexer.advance();
    const start = this.#expression();
    this.#expect(',');
    const limit = this.#expression();
    const step = this.#accept(',') ? this.#expression() : undefined;
    this.#expect('do');
    const local = this.#newLocal(name, []);
    this.#show(local);
    return { kind: 'numericFor', local, start, limit, step, body: this.#loopBody(), line };
  }

  #genericFor(name: string, forLine: number): Statement {
    const names = [name];
    while (this.#accept(',')) names.push(this.#name());
    this.#expect('in');
    const { line } = this.#lexer;
    const values = this.#expressions();
    this.#expect('do');
    const locals = names.map((each) => this.#newLocal(each, undefined));
    for (const local of locals) this.#show(local);
    return { kind: 'genericFor', locals, values, body: this.#loopBody(), line: line || forLine };
  }

  #functionStatement(line: number): Statement {
    this.#lexer.advance();
    const nameLine = this.#lexer.line;
    let target: Expression = this.#resolve(this.#name());
    let isMethod = false;
    while (this.#lexer.type === '.' || this.#lexer.type === ':') {
      isMethod = this.#lexer.type === ':';
      this.#lexer.advance();
      const key: Expression = { kind: 'string', value: this.#name() };
      target = { kind: 'index', object: target, key, line: nameLine };
      if (isMethod) break;
    }
    const value: Expression = { kind: 'function', body: this.#functionBody(isMethod, line) };
    this.#assigned(target, value);
    return { kind: 'assign', targets: [target], values: [value], line, oneLine: 0 };
  }

  #localFunction(): Statement {
    const { line } = this.#lexer;
    const local = this.#newLocal(this.#name(), undefined, true);
    this.#show(local);
    return { kind: 'localFunction', local, body: this.#functionBody(false, line) };
  }

  #local(startLine: number): Statement {
    const names: string[] = [];
    do names.push(this.#name());
    while (this.#accept(','));
    const values = this.#accept('=') ? this.#expressions() : [];
    const line = this.#lexer.lastLine;
    const locals = names.map((name, at) => {
      const value = values[at];
      return this.#newLocal(name, value === undefined ? undefined : [value]);
    });
    for (const local of locals) this.#show(local);
    return { kind: 'local', locals, values, line, oneLine: this.#oneLine(startLine) };
  }

  #return(line: number): Statement {
    this.#lexer.advance();
    const { type } = this.#lexer;
    const values = BLOCK_ENDS.has(type) || type === ';' ? [] : this.#expressions();
    return { kind: 'return', values, oneLine: this.#oneLine(line) };
  }

  #expressionStatement(startLine: number): Statement {
    const expression = this.#suffixed();
    if (expression.kind === 'call') {
      return { kind: 'call', call: expression, oneLine: this.#oneLine(startLine) };
    }
    const targets: Expression[] = [expression];
    while (this.#accept(',')) targets.push(this.#suffixed());
    for (const { kind } of targets) {
      if (kind === 'call' || kind === 'parenthesis') throw this.#lexer.error('syntax error');
    }
    this.#expect('=');
    const values = this.#expressions();
    targets.forEach((target, at) => {
      this.#assigned(target, values[at]);
    });
    const oneLine = this.#oneLine(startLine);
    return { kind: 'assign', targets, values, line: this.#lexer.lastLine, oneLine };
  }

  #assigned(target: Expression, value: Expression | undefined): void {
    if (target.kind !== 'local') return;
    target.local.isAssigned = true;
    if (value === undefined) target.local.sources = undefined;
    else target.local.sources?.push(value);
  }

  #functionBody(isMethod: boolean, line: number): FunctionBody {
    const parent = this.#scope;
    this.#expect('(');
    const names = isMethod ? ['self'] : [];
    const isVararg = this.#parameters(names);
    this.#expect(')');
    this.#scope = { parent, isVararg };
    const visible = this.#visible.length;
    const loops = this.#loops;
    this.#loops = 0;
    const parameters = names.map((name) => this.#newLocal(name, undefined));
    for (const parameter of parameters) this.#show(parameter);
    const body = this.#block();
    const scope = this.#scope;
    this.#scope = parent;
    this.#hide(visible);
    this.#loops = loops;
    this.#expectClose('end', 'function', line);
    return { scope, parameters, body, line };
  }

  #parameters(names: string[]): boolean {
    if (this.#lexer.type === ')') return false;
    do {
      if (this.#accept('...')) return true;
      if (this.#lexer.type !== '<name>') throw this.#lexer.error("<name> or '...' expected");
      names.push(this.#name());
    } while (this.#accept(','));
    return false;
  }

  #expressions(): Expression[] {
    const list = [this.#expression()];
    while (this.#accept(',')) list.push(this.#expression());
    return list;
  }

  #expression(limit = 0): Expression {
    this.#enterLevel();
    let left = this.#operand();
    for (;;) {
      const operator = this.#lexer.type;
      const priority = PRIORITIES.get(operator);
      if (priority === undefined || priority[0] <= limit) break;
      this.#lexer.advance();
      const right = this.#expression(priority[1]);
      const line = this.#lexer.lastLine;
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right, line };
    }
    this.#levels--;
    return left;
  }

  #operand(): Expression {
    const { type } = this.#lexer;
    if (type !== '-' && type !== 'not' && type !== '#') return this.#simple();
    this.#lexer.advance();
    const operand = this.#expression(UNARY_PRIORITY);
    if (type === '-' && operand.kind === 'number') return { ...operand, value: -operand.value };
    return { kind: 'unary', operator: type, operand, line: this.#lexer.lastLine };
  }

  #simple(): Expression {
    const { type, value, line } = this.#lexer;
    switch (type) {
      case '<number>':
        this.#lexer.advance();
        return { kind: 'number', value: value as number };
      case '<string>':
        this.#lexer.advance();
        return { kind: 'string', value: value as string };
      case 'nil':
      case 'true':
      case 'false':
        this.#lexer.advance();
        return { kind: type };
      case '...':
        if (!this.#scope.isVararg) {
          throw this.#lexer.error("cannot use '...' outside a vararg function");
        }
        this.#lexer.advance();
        return { kind: 'varargs' };
      case '{':
        return this.#table();
      case 'function':
        this.#lexer.advance();
        return { kind: 'function', body: this.#functionBody(false, line) };
      default:
        return this.#suffixed();
    }
  }

  #primary(): Expression {
    const { type, line } = this.#lexer;
    if (type === '(') {
      this.#lexer.advance();
      const inner = this.#expression();
      this.#expectClose(')', '(', line);
      return { kind: 'parenthesis', inner };
    }
    if (type !== '<name>') throw this.#lexer.error('unexpected symbol');
    const name = this.#lexer.value as string;
    const resolved = this.#resolve(name);
    this.#lexer.advance();
    return resolved;
  }

  #suffixed(): Expression {
    let expression = this.#primary();
    for (;;) {
      switch (this.#lexer.type) {
        case '.': {
          this.#lexer.advance();
          const key: Expression = { kind: 'string', value: this.#name() };
          expression = { kind: 'index', object: expression, key, line: this.#lexer.lastLine };
          break;
        }
        case '[': {
          this.#lexer.advance();
          const key = this.#expression();
          this.#expect(']');
          expression = { kind: 'index', object: expression, key, line: this.#lexer.lastLine };
          break;
        }
        case ':': {
          this.#lexer.advance();
          expression = this.#call(expression, this.#name());
          break;
        }
        case '(':
        case '<string>':
        case '{':
          expression = this.#call(expression, undefined);
          break;
        default:
          return expression;
      }
    }
  }

  #call(callee: Expression, method: string | undefined): CallExpression {
    const { type, line, lastLine } = this.#lexer;
    if (type === '<string>') {
      const value = this.#lexer.value as string;
      this.#lexer.advance();
      return { kind: 'call', callee, method, args: [{ kind: 'string', value }], line };
    }
    if (type === '{') return { kind: 'call', callee, method, args: [this.#table()], line };
    if (type !== '(') throw this.#lexer.error('function arguments expected');
    if (line !== lastLine) {
      throw this.#lexer.error('ambiguous syntax (function call x new statement)');
    }
    this.#lexer.advance();
    const args = this.#lexer.type === ')' ? [] : this.#expressions();
    this.#expectClose(')', '(', line);
    return { kind: 'call', callee, method, args, line };
  }

  #table(): Expression {
    const { line } = this.#lexer;
    const items: Expression[] = [];
    const fields: { key: Expression; value: Expression }[] = [];
    this.#expect('{');
    while (this.#lexer.type !== '}') {
      if (this.#lexer.type === '[') {
        this.#lexer.advance();
        const key = this.#expression();
        this.#expect(']');
        this.#expect('=');
        fields.push({ key, value: this.#expression() });
      } else if (this.#lexer.type === '<name>' && this.#lexer.peek() === '=') {
        const key: Expression = { kind: 'string', value: this.#name() };
        this.#lexer.advance();
        fields.push({ key, value: this.#expression() });
      } else {
        items.push(this.#expression());
      }
      if (!this.#accept(',') && !this.#accept(';')) break;
    }
    this.#expectClose('}', '{', line);
    return { kind: 'table', items, fields, line };
  }
}
