import { Block } from '@hashlane/resp';
import t from 'tap';
import {
  formatDouble17,
  isIntegerText,
  parseBigInteger,
  parseCursor,
  parseFloatText,
  parseInteger,
  parsePlainFloat,
} from './number-text.ts';
import { RandomSource } from './random-source.ts';

const parse = (text: string): number => parseInteger(Block.of(`x${text}9`), 1, text.length);
const isInteger = (text: string): boolean => isIntegerText(Block.of(`-${text}9`), 1, text.length);

const CANONICAL = [
  '0',
  '1',
  '-1',
  '9',
  '10',
  '-10',
  '999999999999999',
  '-999999999999999',
  '1000000000000000',
  '9223372036854775807',
  '-9223372036854775808',
  '1234567890123456789',
];
const NOT_CANONICAL = [
  '',
  '-',
  '-0',
  '+1',
  '00',
  '01',
  '-01',
  ' 1',
  '1 ',
  '1\n',
  '1.0',
  '1e3',
  '0x1',
  'a',
  '--1',
  '1-',
  '9223372036854775808',
  '-9223372036854775809',
  '99999999999999999999',
];

t.test('integers are canonical 64-bit decimals', async (t) => {
  for (const text of CANONICAL) {
    t.ok(isInteger(text), text);
    t.equal(parseBigInteger(text), BigInt(text));
    const short = text.replace('-', '').length <= 15;
    t.same(parse(text), short ? Number(text) : Number.NaN, `${text} as a number`);
  }
  for (const text of NOT_CANONICAL) {
    t.notOk(isInteger(text), JSON.stringify(text));
    t.equal(parseBigInteger(text), undefined);
    t.same(parse(text), Number.NaN);
  }
});

t.test('random texts: parseInteger, parseBigInteger and BigInt agree', async (t) => {
  const random = new RandomSource(1);
  for (let i = 0; i < 100_000; i++) {
    const length = 1 + random.below(21);
    let text = random.below(3) === 0 ? '-' : '';
    while (text.length < length) text += '0123456789'[random.below(10)];
    const big = parseBigInteger(text);
    const number = parse(text);
    const canonical =
      /^(0|-?[1-9]\d*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
    if ((big !== undefined) !== canonical || isInteger(text) !== canonical) t.fail(text);
    if (!Number.isNaN(number) && BigInt(number) !== big) t.fail(text);
  }
});

t.test('cursors as strtoul reads them', async (t) => {
  for (const [text, value] of [
    ['', 0n],
    ['0', 0n],
    ['-0', 0n],
    ['+7', 7n],
    ['-1', 18446744073709551615n],
    ['18446744073709551615', 18446744073709551615n],
    ['7\0x', 7n],
    ['\0', 0n],
    [`${'0'.repeat(100)}7`, 7n],
  ] as const)
    t.equal(parseCursor(text), value, text);
  for (const text of ['-', '+', 'x', ' 1', '1 ', '18446744073709551616', '7'.repeat(3e6)]) {
    t.equal(parseCursor(text), undefined, text.slice(0, 30));
  }
});

t.test('floats as strtod reads them', async (t) => {
  for (const [text, value] of [
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1e3', -1000],
    ['+2', 2],
    ['1E-2', 0.01],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['+INF', Infinity],
    ['0x10', 16],
    ['-0xA', -10],
    ['0x1.8p1', 3],
    ['0x.8', 0.5],
    ['0x1p-3', 0.125],
    ['007', 7],
  ] as const)
    t.equal(parseFloatText(text), value, text);
  for (const text of [
    '',
    '.',
    'e5',
    '1e',
    ' 1',
    '1 ',
    'nan',
    'NaN',
    '1_0',
    '0x',
    '0xg',
    'infin',
    '1.5x',
  ]) {
    t.same(parseFloatText(text), Number.NaN, JSON.stringify(text));
  }
});

t.test('doubles as printf("%.17g") writes them', async (t) => {
  for (const [value, text] of [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1.5, '-1.5'],
    [0.1, '0.10000000000000001'],
    [3.14, '3.1400000000000001'],
    [1e16, '10000000000000000'],
    [1e17, '1e+17'],
    [1e22, '1e+22'],
    [1e-4, '0.0001'],
    [1e-5, '1.0000000000000001e-05'],
    [2 ** -25, '2.9802322387695312e-08'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '4.9406564584124654e-324'],
    [123456789.125, '123456789.125'],
    [2251799813685249.5, '2251799813685249.5'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [Number.NaN, 'nan'],
  ] as const)
    t.equal(formatDouble17(value), text);
});

t.test('random doubles survive the way out and back', async (t) => {
  const random = new RandomSource(2);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 50_000; i++) {
    view.setUint32(0, random.next());
    view.setUint32(4, random.below(4) === 0 ? 0 : random.next());
    const value = view.getFloat64(0);
    if (!Number.isFinite(value)) continue;
    const text = formatDouble17(value);
    if (!Object.is(Number(text), value) || !Object.is(parseFloatText(text), value)) t.fail(text);
  }
});

t.test('plain floats are what the general parser makes of them, or left to it', async (t) => {
  const texts = ['0', '-0', '+0', '007', '1', '-1', '9007199254740991', '9007199254740993'];
  texts.push('-9007199254740991', '7034182736454321', '12345678901234567', 'inf', '+inf', '-inf');
  texts.push('', '-', '+', 'in', 'info', 'nan', '1.5', '1e3', '0x10', '-inf ', '--1', '1 ', 'INF');
  for (const text of texts) {
    const block = Block.of(`xx${text}yy`);
    const plain = parsePlainFloat(block, 2, text.length);
    if (!Number.isNaN(plain)) t.ok(Object.is(plain, parseFloatText(text)), `${text} is ${plain}`);
    const isPlain =
      /^[+-]?\d{1,16}$/.test(text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER;
    t.equal(!Number.isNaN(plain), isPlain || /^[+-]?inf$/.test(text), `'${text}'`);
  }
});
