/**
 * Which locals always hold numbers, so that generated code can leave out checks: those whose every
 * source is a numeric expression under the assumption that the others of them are numbers too. The
 * assumption starts with all candidates and is given up local by local until nothing changes.
 *
 * Cost: rounds × assignments; few rounds in practice.
 */
import type { Expression, Local } from './syntax-tree.ts';

const ARITHMETIC = new Set(['+', '-', '*', '/', '%', '^']);

export function inferNumbers(locals: readonly Local[]): void {
  const candidates = locals.filter(({ sources }) => sources !== undefined);
  for (const local of candidates) local.isNumber = true;
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const local of candidates) {
      if (local.isNumber && !local.sources!.every(isNumeric)) {
        local.isNumber = false;
        isChanged = true;
      }
    }
  }
}

/** True when the expression can give nothing but a number. */
export function isNumeric(expression: Expression): boolean {
  switch (expression.kind) {
    case 'number':
      return true;
    case 'local':
      return expression.local.isNumber;
    case 'parenthesis':
      return isNumeric(expression.inner);
    case 'unary':
      return expression.operator === '-' && isNumeric(expression.operand);
    case 'binary':
      if (expression.operator === 'or') {
        return isNumericOrFalsy(expression.left) && isNumeric(expression.right);
      }
      return (
        ARITHMETIC.has(expression.operator) &&
        isNumeric(expression.left) &&
        isNumeric(expression.right)
      );
    default:
      return false;
  }
}

function isNumericOrFalsy(expression: Expression): boolean {
  const isAnd = expression.kind === 'binary' && expression.operator === 'and';
  return isNumeric(isAnd ? expression.right : expression);
}
