/**
 * Statements and functions to JavaScript.
 *
 * A local is a `let` of its own name in the block where it is declared, so that closures capture one
 * variable per turn of a loop, as in Lua. A loop's variable is copied in each turn only when the
 * body assigns or captures it. Each turn and each function entry counts down the meter; the way out
 * of a function takes back its level of depth (after an error, `pcall` does).
 */
import { localName, marker, nameArgument, quote } from './code-writer.ts';
import { type ChunkConstants, ExpressionWriter } from './expressions.ts';
import { isNumeric } from './number-inference.ts';
import type { Expression, FunctionBody, FunctionScope, Local, Statement } from './syntax-tree.ts';

const STEP = 'if(--meter.steps<0)meter.check();';
const ENTER = `${STEP}if(++meter.depth>DEPTH_MAX)meter.overflow();`;
const LEAVE = 'meter.depth--;';

type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;
type SimpleStatement = StatementOf<'local' | 'assign' | 'call' | 'return'>;

/** JavaScript for a chunk: `shared` is made once, `main` is the function that runs it. */
export interface ChunkCode {
  readonly shared: string;
  readonly main: string;
}

/**
 * A chunk's own functions (`local function` in its outermost block) that use no variables but each
 * other are the same in every run, and made once.
 */
export function writeChunk(constants: ChunkConstants, body: FunctionBody): ChunkCode {
  const writer = new ChunkWriter(constants);
  const main = writer.write(body);
  return { shared: writer.shared, main };
}

class FunctionWriter extends ExpressionWriter {
  /** Blocks around the statement that is being written. */
  protected depth = 0;

  write({ scope, parameters, body, line }: FunctionBody): string {
    const names = parameters.map(localName);
    if (scope.isVararg) names.push('...varargs');
    const code = this.#block(body);
    const isReturned = body.at(-1)?.kind === 'return';
    const end = isReturned ? '' : `${LEAVE}return NO_VALUES;`;
    const declarations = this.temporaries.declaration();
    return `function(${names.join(',')}){${marker(line)}${ENTER}${declarations}${code}${end}}`;
  }

  protected functionCode(body: FunctionBody): string {
    return this.embed(new FunctionWriter(this.constants), body);
  }

  /** Writes a function of this one. */
  protected embed(writer: FunctionWriter, body: FunctionBody): string {
    const code = writer.write(body);
    for (const local of writer.named) if (local.owner !== body.scope) this.named.add(local);
    return code;
  }

  #block(statements: readonly Statement[]): string {
    this.depth++;
    const code = statements.map((statement) => this.#statement(statement)).join('');
    this.depth--;
    return code;
  }

  #statement(statement: Statement): string {
    switch (statement.kind) {
      case 'local':
      case 'assign':
      case 'call':
      case 'return':
        return this.#simple(statement);
      case 'localFunction':
        return this.localFunction(statement);
      case 'do':
        return `{${this.#block(statement.body)}}`;
      case 'while':
        return `while(${this.condition(statement.condition)}){${STEP}${this.#block(statement.body)}}`;
      case 'repeat':
        return this.#repeat(statement);
      case 'if':
        return this.#if(statement);
      case 'numericFor':
        return this.#numericFor(statement);
      case 'genericFor':
        return this.#genericFor(statement);
      default:
        return 'break;';
    }
  }

  #simple(statement: SimpleStatement): string {
    const { oneLine } = statement;
    this.isMarked = oneLine > 0;
    const code = this.#simpleCode(statement);
    this.isMarked = false;
    return oneLine > 0 ? marker(oneLine) + code : code;
  }

  #simpleCode(statement: SimpleStatement): string {
    switch (statement.kind) {
      case 'local':
        return this.#local(statement);
      case 'assign':
        return this.#assign(statement);
      case 'call':
        return `${this.call(statement.call, true)};`;
      default:
        return this.#return(statement);
    }
  }

  protected localFunction({ local, body }: StatementOf<'localFunction'>): string {
    return declaration(local, this.functionCode(body));
  }

  #local({ locals, values }: StatementOf<'local'>): string {
    if (locals.length === 1 && values.length <= 1) {
      const value = values[0];
      return `let ${localName(locals[0]!)}=${value ? this.value(value) : 'undefined'};`;
    }
    if (!isOpen(values) || values.length > locals.length)
      return this.#localOneByOne(locals, values);
    return `let [${locals.map(localName).join(',')}]=[${this.list(values)}];`;
  }

  /** Values are evaluated in order and see none of the new names: those differ from all others. */
  #localOneByOne(locals: readonly Local[], values: readonly Expression[]): string {
    const declared = locals.map((local, at) => {
      const value = values[at];
      return `let ${localName(local)}=${value ? this.value(value) : 'undefined'};`;
    });
    const surplus = values.slice(locals.length).map((value) => `${this.value(value)};`);
    return declared.join('') + surplus.join('');
  }

  #assign({ targets, values, line }: StatementOf<'assign'>): string {
    if (targets.length === 1 && values.length === 1) {
      return `${this.#store(targets[0]!, this.value(values[0]!), line)};`;
    }
    return this.#assignSeveral(targets, values, line);
  }

  #store(target: Expression, value: string, line: number): string {
    switch (target.kind) {
      case 'local':
        return `${this.nameOf(target.local)}=${value}`;
      case 'global':
        return `${this.mark(line)}setGlobal(${quote(target.name)},${value})`;
      case 'index': {
        const object = this.value(target.object);
        const key = this.value(target.key);
        return `${this.mark(line)}setIndex(${object},${key},${value}${nameArgument(target.object)})`;
      }
      default:
        return '';
    }
  }

  /** Everything is evaluated before anything is assigned, and the last target comes first. */
  #assignSeveral(
    targets: readonly Expression[],
    values: readonly Expression[],
    line: number,
  ): string {
    const before: string[] = [];
    const stores = targets.map((target, at) => {
      const value = `v$$[${at}]`;
      if (target.kind !== 'index') return `${this.#store(target, value, line)};`;
      before.push(
        `const o$$${at}=${this.value(target.object)},k$$${at}=${this.value(target.key)};`,
      );
      const name = nameArgument(target.object);
      return `${this.mark(line)}setIndex(o$$${at},k$$${at},${value}${name});`;
    });
    const all = `const v$$=[${this.list(values)}];`;
    return `{${before.join('')}${all}${stores.reverse().join('')}}`;
  }

  #repeat({ condition, body }: StatementOf<'repeat'>): string {
    const code = this.#block(body);
    return `for(;;){${STEP}${code}if(${this.condition(condition)})break;}`;
  }

  #if({ clauses }: StatementOf<'if'>): string {
    return clauses
      .map(({ condition, oneLine, body }) => {
        const test = condition === undefined ? '' : this.#test(condition, oneLine);
        return `${test}{${this.#block(body)}}`;
      })
      .join('else ');
  }

  #test(condition: Expression, oneLine: number): string {
    this.isMarked = oneLine > 0;
    const code = `if(${this.condition(condition)})`;
    this.isMarked = false;
    return oneLine > 0 ? marker(oneLine) + code : code;
  }

  /**
   * Lua 5.1 takes the step off the start and adds it again in the first turn, which shows with
   * fractions; whole literals do not need that.
   */
  #numericFor({ local, start, limit, step, body, line }: StatementOf<'numericFor'>): string {
    const own = localName(local);
    const isCopied = local.isAssigned || local.isCaptured;
    const counter = isCopied ? `i$$${local.number}` : own;
    const end = `l$$${local.number}`;
    const by = `s$$${local.number}`;
    // All three are evaluated before the first is found not to be a number.
    const range = [start, limit, step].map((each) => (each === undefined ? '1' : this.value(each)));
    const given = `const g$$=${range[0]},h$$=${range[1]},j$$=${range[2]};`;
    const first = loopNumber(start, 'g$$', 'initial value', line);
    const last = loopNumber(limit, 'h$$', 'limit', line);
    const isUp = step === undefined || (step.kind === 'number' && step.value > 0);
    const isDown = step?.kind === 'number' && step.value < 0;
    const isWhole = isWholeLiteral(start) && (step === undefined || isWholeLiteral(step));
    const stepCode = step === undefined ? '1' : loopNumber(step, 'j$$', 'step', line);
    const begin = `${given}const f$$=${first},${end}=${last},${by}=${stepCode};`;
    const from = isWhole ? 'f$$' : `f$$-${by}+${by}`;
    const up = `${counter}<=${end}`;
    const down = `${counter}>=${end}`;
    const test = isUp ? up : isDown ? down : `${by}>0?${up}:${down}`;
    const copy = isCopied ? `let ${own}=${counter};` : '';
    const code = this.#block(body);
    return `{${begin}for(let ${counter}=${from};${test};${counter}+=${by}){${STEP}${copy}${code}}}`;
  }

  #genericFor({ locals, values, body, line }: StatementOf<'genericFor'>): string {
    const walk = `w$$${locals[0]!.number}`;
    const begin = `const ${walk}=${marker(line)}traverse([${this.list(values)}]);`;
    const sources = locals.map((_, at) => {
      if (at === 0) return `${walk}.first`;
      return at === 1 ? `${walk}.second` : `${walk}.results[${at}]`;
    });
    const declared = locals.map((local, at) => `let ${localName(local)}=${sources[at]};`).join('');
    return `{${begin}while(${marker(line)}${walk}.advance()){${STEP}${declared}${this.#block(body)}}}`;
  }

  #return({ values }: StatementOf<'return'>): string {
    if (values.length === 0) return `${LEAVE}return NO_VALUES;`;
    const [value] = values;
    if (values.length === 1 && isConstant(value!)) return `${LEAVE}return ${this.value(value!)};`;
    const code = values.length === 1 ? this.results(value!) : `[${this.list(values)}]`;
    return `{const r$$=${code};${LEAVE}return r$$;}`;
  }
}

class ChunkWriter extends FunctionWriter {
  shared = '';
  readonly #shared = new Set<Local>();

  protected override localFunction(statement: StatementOf<'localFunction'>): string {
    const { local, body } = statement;
    // In a loop each turn has a function of its own; code of a library runs once.
    if (this.depth > 1 || local.isAssigned || !this.constants.isFixed) {
      return super.localFunction(statement);
    }
    const writer = new FunctionWriter(this.constants);
    const code = declaration(local, this.embed(writer, body));
    const isAlone = [...writer.named].every(
      (each) => each === local || isWithin(each.owner, body.scope) || this.#shared.has(each),
    );
    if (!isAlone) return code;
    this.#shared.add(local);
    this.shared += code;
    return '';
  }
}

function declaration(local: Local, code: string): string {
  return `${local.isAssigned ? 'let' : 'const'} ${localName(local)}=${code};`;
}

function isWithin(scope: FunctionScope | undefined, outer: FunctionScope): boolean {
  for (let each = scope; each !== undefined; each = each.parent) if (each === outer) return true;
  return false;
}

function loopNumber(expression: Expression, code: string, what: string, line: number): string {
  return isNumeric(expression) ? code : `${marker(line)}loopNumber(${code},${quote(what)})`;
}

function isOpen(values: readonly Expression[]): boolean {
  const kind = values.at(-1)?.kind;
  return kind === 'call' || kind === 'varargs';
}

function isConstant({ kind }: Expression): boolean {
  return kind === 'local' || kind === 'number' || kind === 'string' || kind === 'nil';
}

function isWholeLiteral(expression: Expression): boolean {
  return expression.kind === 'number' && Number.isInteger(expression.value);
}
