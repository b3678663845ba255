/** The tree between parser and code generator. Names are resolved: a use of a local is its object. */

/** One local variable, parameter or loop variable. */
export interface Local {
  readonly name: string;
  readonly number: number;
  readonly owner: FunctionScope;
  /** Assigned after its declaration. */
  isAssigned: boolean;
  /** Used by a function inside its owner. */
  isCaptured: boolean;
  /** Every expression it ever gets; undefined when some value comes from elsewhere. */
  sources: Expression[] | undefined;
  /** Result of type inference: always a number. */
  isNumber: boolean;
  /** Declared by `local function`. */
  readonly isFunction: boolean;
}

/** What the parser and the generator know of a function as a whole. */
export interface FunctionScope {
  readonly parent: FunctionScope | undefined;
  readonly isVararg: boolean;
}

export interface FunctionBody {
  readonly scope: FunctionScope;
  readonly parameters: readonly Local[];
  readonly body: readonly Statement[];
  readonly line: number;
}

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | '..'
  | '=='
  | '~='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'and'
  | 'or';

/** `line` is the line that a message about this expression names. */
export type Expression =
  | { readonly kind: 'nil' | 'true' | 'false' | 'varargs' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'function'; readonly body: FunctionBody }
  | { readonly kind: 'local'; readonly local: Local; readonly isUpvalue: boolean }
  | { readonly kind: 'global'; readonly name: string; readonly line: number }
  | IndexExpression
  | CallExpression
  | { readonly kind: 'parenthesis'; readonly inner: Expression }
  | TableExpression
  | BinaryExpression
  | {
      readonly kind: 'unary';
      readonly operator: '-' | 'not' | '#';
      readonly operand: Expression;
      readonly line: number;
    };

export interface IndexExpression {
  readonly kind: 'index';
  readonly object: Expression;
  readonly key: Expression;
  readonly line: number;
}

export interface CallExpression {
  readonly kind: 'call';
  readonly callee: Expression;
  /** For `object:method(…)`. */
  readonly method: string | undefined;
  readonly args: readonly Expression[];
  readonly line: number;
}

export interface TableExpression {
  readonly kind: 'table';
  readonly items: readonly Expression[];
  readonly fields: readonly { readonly key: Expression; readonly value: Expression }[];
  readonly line: number;
}

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly line: number;
}

/**
 * `oneLine` is the line of a statement, or of the head of a compound one, that lies on one line;
 * 0 for others.
 */
export type Statement =
  | {
      readonly kind: 'local';
      readonly oneLine: number;
      readonly locals: readonly Local[];
      readonly values: readonly Expression[];
      readonly line: number;
    }
  | {
      readonly kind: 'assign';
      readonly oneLine: number;
      readonly targets: readonly Expression[];
      readonly values: readonly Expression[];
      readonly line: number;
    }
  | { readonly kind: 'call'; readonly call: CallExpression; readonly oneLine: number }
  | { readonly kind: 'localFunction'; readonly local: Local; readonly body: FunctionBody }
  | { readonly kind: 'do'; readonly body: readonly Statement[] }
  | { readonly kind: 'while'; readonly condition: Expression; readonly body: readonly Statement[] }
  | { readonly kind: 'repeat'; readonly condition: Expression; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly clauses: readonly {
        readonly condition: Expression | undefined;
        readonly oneLine: number;
        readonly body: readonly Statement[];
      }[];
    }
  | {
      readonly kind: 'numericFor';
      readonly local: Local;
      readonly start: Expression;
      readonly limit: Expression;
      readonly step: Expression | undefined;
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: 'genericFor';
      readonly locals: readonly Local[];
      readonly values: readonly Expression[];
      readonly body: readonly Statement[];
      readonly line: number;
    }
  | {
      readonly kind: 'return';
      readonly values: readonly Expression[];
      readonly oneLine: number;
    }
  | { readonly kind: 'break' };
