import t from 'tap';
import { addLongDoubles, formatLongDouble, parseLongDouble, parseSeconds } from './long-double.ts';

function read(text: string): string | undefined {
  const value = parseLongDouble(text);
  return value === undefined || value.isInfinite ? undefined : formatLongDouble(value);
}

function add(a: string, b: string): string | undefined {
  const [x, y] = [parseLongDouble(a), parseLongDouble(b)];
  if (x === undefined || y === undefined) return undefined;
  const sum = addLongDoubles(x, y);
  return sum === undefined ? undefined : formatLongDouble(sum);
}

// Expected texts are redis-server 7.0.15's (x86-64); string.differential.test.ts has many more.
t.test('text in and out', async (t) => {
  t.equal(read('0'), '0');
  t.equal(read('-0.0'), '0');
  t.equal(read('3.0e3'), '3000');
  t.equal(read('.5'), '0.5');
  t.equal(read('5.'), '5');
  t.equal(read('0x1.8p3'), '12');
  t.equal(read('1e-17'), '0.00000000000000001');
  t.equal(read('-1e-18'), '0');
  t.equal(read('18446744073709551615'), '18446744073709551615', '64 bits of mantissa');
  t.equal(read('18446744073709551617'), '18446744073709551616', 'and not 65');
  t.equal(read('1e4932')?.length, 4933);
});

t.test('what is no number', async (t) => {
  for (const text of ['', ' 1', '1 ', '1e', 'e1', '.', '0x', '1_0', 'nan', '1e5000', '1e-5000']) {
    t.equal(parseLongDouble(text), undefined, JSON.stringify(text));
  }
  t.equal(parseLongDouble('1'.repeat(5120)), undefined, 'too long');
  t.equal(parseLongDouble('1e999999999999999999999'), undefined);
  t.equal(parseLongDouble('-Infinity')?.isInfinite, true);
});

t.test('seconds of time-outs', async (t) => {
  t.equal(parseSeconds('1.5'), 1.5);
  t.equal(parseSeconds('0.0'), 0);
  t.equal(parseSeconds('1e400'), Infinity, 'a long double, but no double');
  t.equal(parseSeconds('-inf'), -Infinity);
  t.equal(parseSeconds('1e-400'), 0);
  for (const text of ['1e5000', '-1e5000', '1e-5000', 'x', `0.${'0'.repeat(5118)}`]) {
    t.same(parseSeconds(text), Number.NaN, text.slice(0, 30));
  }
});

t.test('sums', async (t) => {
  t.equal(add('0.1', '0.2'), '0.3');
  t.equal(add('10.50', '0.1'), '10.6');
  t.equal(add('5.0e3', '2.0e2'), '5200');
  t.equal(add('3', '-3'), '0');
  t.equal(add('1e300', '1'), read('1e300'));
  t.equal(add('1e4932', '1e4932'), undefined, 'infinite');
  t.equal(add('inf', '-inf'), undefined, 'not a number');
});
