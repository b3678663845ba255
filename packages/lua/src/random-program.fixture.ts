/**
 * Random Lua programs from a seed, for comparison with redis-server.
 *
 * They end (each function and loop turn counts, and the 300th is an error), and they avoid what Lua
 * leaves open: order of `pairs`, `#` of tables with holes, addresses. They do use operators on wrong
 * types, so that messages with their names and lines are compared too.
 */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  number: ['a', 'b', 'steps'],
  table: ['c', 'd'],
  string: ['e'],
  function: ['f', 'g'],
};

export class RandomProgram {
  #state: number;
  #visible: string[] = ['steps'];
  #depth = 0;
  #loops = 0;
  #nested = 0;

  constructor(seed: number) {
    this.#state = seed * 2654435761;
  }

  /** A program that returns a few values. */
  write(): string {
    const body = this.#block(6 + this.#below(8));
    return `local steps = 0\n${body}return ${this.#expression(1)}, ${this.#expression(1)}, ${this.#last()}`;
  }

  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }

  #count(): string {
    return "steps = steps + 1 if steps > 300 then error('steps') end\n";
  }

  #block(size: number): string {
    const visible = this.#visible.length;
    this.#depth++;
    let text = '';
    for (let left = size; left > 0; left--) text += this.#statement();
    this.#depth--;
    this.#visible.length = visible;
    return text;
  }

  #inner(): string {
    return this.#block(1 + this.#below(3));
  }

  #declare(): string {
    const name = this.#pick(['a', 'b', 'c', 'd', 'e', 'f']);
    this.#visible.push(name);
    return name;
  }

  /** Mostly what names stand for: a number, a table, a string, a function. */
  #of(kind: string): string {
    if (this.#nested > 3) return this.#leaf();
    this.#nested++;
    const text = this.#below(8) === 0 ? this.#expression(2) : this.#ofKind(kind);
    this.#nested--;
    return text;
  }

  #ofKind(kind: string): string {
    const names = this.#visible.filter((name) => KINDS[kind]!.includes(name));
    if (names.length > 0 && this.#below(3) > 0) return this.#pick(names);
    switch (kind) {
      case 'number':
        return this.#pick(['1', '2', '0.5', '-3', "'10'", `(${this.#numeric()})`]);
      case 'table':
        return `{${this.#of('number')}, x = ${this.#expression(2)}, ${this.#leaf()}}`;
      case 'string':
        return this.#pick(["'a'", "'b\\0c'", `(${this.#of('string')} .. ${this.#of('number')})`]);
      default:
        return this.#depth > 3 ? this.#variable() : this.#function();
    }
  }

  #numeric(): string {
    const operator = this.#pick(['+', '-', '*', '/', '%', '^']);
    return `${this.#of('number')} ${operator} ${this.#of('number')}`;
  }

  #table(): string {
    const names = this.#visible.filter((name) => name === 'c' || name === 'd');
    return names.length === 0 || this.#below(6) === 0 ? this.#variable() : this.#pick(names);
  }

  #callee(): string {
    const names = this.#visible.filter((name) => name === 'f' || name === 'g');
    return names.length === 0 || this.#below(8) === 0 ? this.#variable() : this.#pick(names);
  }

  #variable(): string {
    const others = this.#visible.filter((name) => name !== 'steps');
    return others.length === 0 ? 'nil' : this.#pick(others);
  }

  #target(): string {
    const name = this.#below(4) ? this.#table() : this.#variable();
    if (name === 'nil') return `local ${this.#declare()}`;
    switch (this.#below(4)) {
      case 0:
        return `${name}.${this.#field()}`;
      case 1:
        return `${name}[${this.#below(4) ? this.#of('string') : this.#expression(2)}]`;
      case 2:
        return `${name}[${this.#pick(['1', '2', '3'])}]`;
      default:
        return name;
    }
  }

  #field(): string {
    return this.#pick(['x', 'y', 'z', '__index', 'constructor', '__proto__']);
  }

  #statement(): string {
    const isDeep = this.#depth > 4;
    switch (this.#below(isDeep ? 7 : 14)) {
      case 0:
      case 1: {
        const kind = this.#pick(['number', 'table', 'string', 'function']);
        const value = this.#of(kind);
        const name = this.#pick(KINDS[kind]!.filter((each) => each !== 'steps'));
        this.#visible.push(name);
        return `local ${name} = ${value}\n`;
      }
      case 2: {
        const values = `${this.#expression(1)}, ${this.#last()}`;
        return `local ${this.#declare()}, ${this.#declare()}, ${this.#declare()} = ${values}\n`;
      }
      case 3:
      case 4: {
        const value = this.#expression(0);
        return `${this.#target()} = ${value}\n`;
      }
      case 5: {
        const name = this.#variable();
        if (name === 'nil') return '';
        return `${name}, ${this.#variable()} = ${this.#expression(1)}, ${this.#last()}\n`;
      }
      case 6:
        return `${this.#callOf()}\n`;
      case 7:
        return this.#if();
      case 8:
        return this.#numericFor();
      case 9:
        return this.#genericFor();
      case 10:
        return this.#localFunction();
      case 11:
        return this.#while();
      case 12:
        return this.#metatable();
      default:
        return this.#loops > 0 && this.#below(2) === 0
          ? `if ${this.#expression(1)} then break end\n`
          : `do\n${this.#inner()}end\n`;
    }
  }

  #if(): string {
    const first = `if ${this.#expression(0)} then\n${this.#inner()}`;
    const second = this.#below(2) ? `elseif ${this.#expression(1)} then\n${this.#inner()}` : '';
    return `${first}${second}${this.#below(2) ? `else\n${this.#inner()}` : ''}end\n`;
  }

  #loop(before: () => string): string {
    const visible = this.#visible.length;
    const head = before();
    this.#loops++;
    const body = this.#inner();
    this.#loops--;
    this.#visible.length = visible;
    return `${head} do\n${this.#count()}${body}end\n`;
  }

  #numericFor(): string {
    return this.#loop(() => {
      const range = `${this.#pick(['1', '3', '0.1', this.#expression(2)])}, ${this.#pick(['4', '2', '"3"', this.#expression(2)])}`;
      const step = this.#below(2)
        ? ''
        : `, ${this.#pick(['1', '-1', '0.3', '2', this.#expression(2)])}`;
      return `for ${this.#declare()} = ${range}${step}`;
    });
  }

  #genericFor(): string {
    return this.#loop(() => {
      const values = `ipairs(${this.#pick([this.#variable(), '{1, "x", false, nil, 5}'])})`;
      return `for ${this.#declare()}, ${this.#declare()} in ${values}`;
    });
  }

  #while(): string {
    if (this.#below(2)) return this.#loop(() => `while ${this.#expression(0)}`);
    this.#loops++;
    const body = this.#inner();
    this.#loops--;
    return `repeat\n${this.#count()}${body}until ${this.#expression(0)}\n`;
  }

  #localFunction(): string {
    const name = this.#pick(['f', 'g']);
    const isBefore = this.#below(2) === 0;
    if (isBefore) this.#visible.push(name);
    const text = this.#function();
    if (!isBefore) this.#visible.push(name);
    return isBefore
      ? `local function ${name}${text.slice('function'.length)}\n`
      : `local ${name} = ${text}\n`;
  }

  #function(): string {
    const visible = this.#visible.length;
    const loops = this.#loops;
    this.#loops = 0;
    const parameters = [this.#declare(), this.#declare()].slice(this.#below(3));
    const isVararg = this.#below(3) === 0;
    const list = [...parameters, ...(isVararg ? ['...'] : [])].join(', ');
    const body = this.#inner();
    const last = isVararg && this.#below(2) ? '...' : this.#last();
    const end = this.#below(5) === 0 ? '' : `return ${this.#expression(1)}, ${last}\n`;
    this.#loops = loops;
    this.#visible.length = visible;
    return `function(${list})\n${this.#count()}${body}${end}end`;
  }

  #metatable(): string {
    const event = this.#pick([
      '__index',
      '__newindex',
      '__add',
      '__concat',
      '__eq',
      '__lt',
      '__le',
      '__call',
      '__unm',
      '__mod',
      '__len',
    ]);
    const handler = this.#below(3) === 0 ? this.#expression(1) : this.#function();
    return `local ${this.#declare()} = setmetatable({x = 1}, {${event} = ${handler}})\n`;
  }

  /** A call with any number of results, or one value. */
  #last(): string {
    return this.#below(2) ? this.#callOf() : this.#expression(1);
  }

  #callOf(): string {
    const args = this.#below(3) ? this.#expression(2) : '';
    const name = this.#callee();
    switch (this.#below(8)) {
      case 0:
        return `pcall(${name}, ${this.#expression(2)})`;
      case 1:
        return `select(${this.#pick(["'#'", '1', '2', '-1'])}, ${this.#expression(2)}, ${this.#expression(2)})`;
      case 2:
        return `unpack({${this.#expression(2)}, ${this.#expression(2)}})`;
      case 3:
        return `tonumber(${this.#pick(["'10'", "' 0x1F '", "'1e2'", "'z'", name])})`;
      case 4:
        return name === 'nil' ? `type(${args || 'nil'})` : `${name}:${this.#field()}(${args})`;
      case 5:
        return `pcall(error, ${this.#expression(2)}, ${this.#pick(['0', '1'])})`;
      default:
        return name === 'nil' ? `type(${args || 'nil'})` : `${name}(${args})`;
    }
  }

  #expression(depth: number): string {
    if (depth > 3 || this.#depth > 6) return this.#leaf();
    const next = depth + 1;
    switch (this.#below(16)) {
      case 0:
      case 1:
        return `(${this.#numeric()})`;
      case 2:
        return `(${this.#of('string')} .. ${this.#of('string')})`;
      case 15: {
        const kind = this.#pick(['number', 'string', 'number']);
        return `(${this.#of(kind)} ${this.#pick(['<', '<=', '>', '>=', '==', '~='])} ${this.#of(kind)})`;
      }
      case 3:
        return `(${this.#expression(next)} ${this.#pick(['<', '<=', '>', '>=', '==', '~='])} ${this.#expression(next)})`;
      case 4:
      case 5:
        return `(${this.#expression(next)} ${this.#pick(['and', 'or'])} ${this.#expression(next)})`;
      case 6:
        return `${this.#below(2) ? `not ${this.#expression(next)}` : `-${this.#of('number')}`}`;
      case 7:
        return `{${this.#expression(next)}, x = ${this.#expression(next)}, ${this.#leaf()}}`;
      case 8:
        return depth > 1 || this.#depth > 3 ? this.#leaf() : this.#function();
      case 9:
        return `(${this.#callOf()})`;
      case 10:
        return this.#indexed();
      default:
        return this.#leaf();
    }
  }

  #indexed(): string {
    const name = this.#table();
    if (name === 'nil') return 'nil';
    return this.#below(2) ? `${name}.${this.#field()}` : `${name}[${this.#leaf()}]`;
  }

  #leaf(): string {
    if (this.#below(2)) return this.#variable();
    return this.#pick([
      'nil',
      'true',
      'false',
      '0',
      '1',
      '2',
      '-3',
      '0.5',
      '1e15',
      "'a'",
      "'10'",
      "'b\\0c'",
      '1/0',
      'steps',
    ]);
  }
}
