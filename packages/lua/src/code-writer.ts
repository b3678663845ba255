/**
 * The words of generated code: names, quoted strings, markers of lines, temporaries.
 *
 * Every operation that may fail stands behind `\n/*LINE*` + `/`, so that a position in the generated
 * code leads to a line of Lua (errors.ts); a statement that lies on one line has one such marker at
 * its beginning. A newline is therefore possible between any two tokens
 * of an expression, and `return` wraps its value in parentheses.
 */
import type { BinaryExpression, Expression, Local } from './syntax-tree.ts';

/** Short: V8 reads it each time. No name of JavaScript or of ours begins with `$`. */
export function localName(local: Local): string {
  return `$${local.number}`;
}

/** A Lua string as a JavaScript literal. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

export function marker(line: number): string {
  return `\n/*${line}*/`;
}

export function numberLiteral(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return 'Infinity';
  if (value < 0 || Object.is(value, -0)) return `(-${numberLiteral(-value)})`;
  return String(value);
}

/** How messages name an operand, as a further argument: `, "local 'x'"`, or nothing. */
export function nameArgument(expression: Expression): string {
  const name = describe(expression);
  return name === undefined ? '' : `,${quote(name)}`;
}

/** The names of two operands as further arguments. */
export function nameArguments(left: Expression, right: Expression): string {
  const rightName = nameArgument(right);
  const leftName = nameArgument(left);
  if (leftName === '' && rightName !== '') return `,undefined${rightName}`;
  return leftName + rightName;
}

function describe(expression: Expression): string | undefined {
  switch (expression.kind) {
    case 'local':
      return `${expression.isUpvalue ? 'upvalue' : 'local'} '${expression.local.name}'`;
    case 'global':
      return `global '${expression.name}'`;
    case 'index':
      return `field '${expression.key.kind === 'string' ? expression.key.value : '?'}'`;
    case 'parenthesis':
      return describe(expression.inner);
    case 'binary':
      return decided(expression) ? describe(expression.right) : undefined;
    default:
      return undefined;
  }
}

/** `true and x`, `nil or x`: Lua takes the constant away and knows the operand as `x`. */
function decided({ operator, left }: BinaryExpression): boolean {
  if (operator === 'and') return isTrue(left);
  return operator === 'or' && (left.kind === 'nil' || left.kind === 'false');
}

function isTrue(expression: Expression): boolean {
  switch (expression.kind) {
    case 'true':
    case 'number':
    case 'string':
      return true;
    case 'parenthesis':
      return isTrue(expression.inner);
    case 'unary':
      if (expression.operator === '-') return expression.operand.kind === 'number';
      return expression.operand.kind === 'nil' || expression.operand.kind === 'false';
    default:
      return false;
  }
}

/** Temporaries of one function: taken and given back as expressions nest. */
export class Temporaries {
  #count = 0;
  readonly #free: string[] = [];

  take(): string {
    return this.#free.pop() ?? `t$$${this.#count++}`;
  }

  give(...names: readonly string[]): void {
    this.#free.push(...names);
  }

  declaration(): string {
    if (this.#count === 0) return '';
    const names = Array.from({ length: this.#count }, (_, at) => `t$$${at}`);
    return `let ${names.join(',')};`;
  }
}
