import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { monotonicMicros } from './clock.ts';
import { splitWords } from './command-words.ts';
import { FUNCTIONS } from './functions.ts';
import { seededRandom } from './random.ts';
import { parseTemplate, type Scope, type Site } from './template.ts';

class TestSite implements Site {
  readonly properties = new Map([['users', '7']]);
  readonly variables = new Set(['name', 'n', '__jm__my group__idx']);
  counters = 0;
  newCounter(): number {
    return this.counters++;
  }
  tally(): number {
    return 0;
  }
}

function scope(variables: Record<string, string> = {}): Scope {
  const counts: number[] = [];
  return {
    variables: new Map(Object.entries(variables)),
    random: seededRandom(1),
    threadNumber: 3,
    groupName: 'my group',
    samplerName: 'my step',
    ownCounters: [],
    shared: {
      count: (counter) => {
        counts[counter] = (counts[counter] ?? 0) + 1;
        return counts[counter];
      },
      readTally: () => 42,
    },
  };
}

function evaluated(text: string, variables?: Record<string, string>): string {
  return parseTemplate(text, new TestSite()).evaluate(scope(variables));
}

t.test('literals, variables and escapes', async (t) => {
  t.equal(parseTemplate('plain', new TestSite()).constant, 'plain');
  t.equal(evaluated('a:${name}:${n}', { name: 'x', n: '2' }), 'a:x:2');
  t.equal(evaluated('${name}'), '', 'not filled yet');
  t.equal(evaluated('\\${name} 5$'), '${name} 5$');
  t.equal(evaluated('${__jm__my group__idx}', { '__jm__my group__idx': '4' }), '4');
});

t.test('functions with fixed results', async (t) => {
  t.equal(
    evaluated('${__threadNum}/${__threadGroupName}/${__samplerName()}'),
    '3/my group/my step',
  );
  t.equal(evaluated('${__intSum(1, 2,${n})}', { n: '40' }), '43');
  t.equal(evaluated('${__modulo(7,3)}${__modulo(-1,3)}'), '12');
  t.equal(evaluated('${__longSum(1,-2,total)}=${total}'), '-1=-1');
  t.equal(evaluated('${__P(users,5)} ${__P(none,5)} ${__P(none)}'), '7 5 1');
  t.equal(evaluated('${__property(users,u)}${u}'), '77');
  t.equal(evaluated('${__V(na${n})}', { n: 'me', name: 'found' }), 'found');
  t.equal(evaluated('${__payload(5)}'), 'xxxxx');
  t.equal(evaluated('${__tally(hits)}'), '42');
  t.equal(evaluated('${__RandomString(4,a)}'), 'aaaa');
  t.equal(evaluated('${__chooseRandom(b\\,c,b\\,c,v)}${v}'), 'b,cb,c');
});

t.test('counters: one per call, for a user or for all', async (t) => {
  const site = new TestSite();
  const own = parseTemplate('${__counter(TRUE)}', site);
  const common = parseTemplate('${__counter(FALSE)}', site);
  const first = scope();
  const second: Scope = { ...scope(), shared: first.shared };
  const seen = [first, first, second].map((s) => `${own.evaluate(s)}${common.evaluate(s)}`);
  t.same(seen, ['11', '22', '13']);
});

t.test('random numbers: in range, the same for a seed', async (t) => {
  const template = parseTemplate('${__Random(5,7,n)}', new TestSite());
  const draw = () => {
    const s = scope();
    return Array.from({ length: 300 }, () => template.evaluate(s));
  };
  const drawn = draw();
  t.same(new Set(drawn), new Set(['5', '6', '7']));
  t.same(drawn, draw());
  t.match(evaluated('${__UUID}'), /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
});

t.test('time', async (t) => {
  const now = Date.now();
  t.ok(Math.abs(Number(evaluated('${__time}')) - now) < 1_000);
  t.ok(Math.abs(Number(evaluated('${__time(/1000)}')) - now / 1e3) < 2);
  t.match(
    evaluated('${__time(yyyy-MM-dd HH:mm:ss.SSS)}'),
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/,
  );
  t.match(evaluated('${__time(YMDHMS)}'), /^\d{8}-\d{6}$/);
  const micros = Number(evaluated('${__timeMicros}'));
  t.ok(Math.abs(monotonicMicros() - micros) < 1e6);
});

t.test('what is wrong is told when the text is read', async (t) => {
  const cases: [string, RegExp][] = [
    ['${nam}', /unknown variable 'nam' \(did you mean 'name'\?\)/],
    ['${__Randm(1,2)}', /unknown function '__Randm' \(did you mean '__Random'\?\)/],
    ['${__Random(1)}', /1 arguments: it is written \$\{__Random\(from,to\[,variable\]\)\}/],
    ['${__Random(a,2)}', /'a' is not a whole number/],
    ['${__Random(3,2)}', /no number is from 3 to 2/],
    ['${__Random(1,2', /'\)' is missing/],
    ['${name', /'\}' is missing/],
    ['${__counter(maybe)}', /TRUE \(per user\) or FALSE/],
    ['${__time(EEE)}', /only yyyy MM dd/],
  ];
  for (const [text, message] of cases) {
    t.throws(() => parseTemplate(text, new TestSite()), { message }, text);
  }
});

t.test('every function says how it is written, and docs/plans.md says the same', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/plans.md'), 'utf8');
  const [, table = ''] = /<!-- functions:begin -->\n(.*)<!-- functions:end -->/s.exec(page) ?? [];
  const rows = FUNCTIONS.map(({ syntax, about }) => `| \`\${${syntax}}\` | ${about} |\n`);
  t.equal(table, `| function | gives |\n|---|---|\n${rows.join('')}`);
  for (const { name, syntax, about } of FUNCTIONS) {
    t.ok(syntax === name || syntax.startsWith(`${name}(`), name);
    t.ok(about.length > 5, name);
  }
});

t.test('words of a command line', async (t) => {
  t.same(splitWords('SET  k v'), ['SET', 'k', 'v']);
  t.same(splitWords('SET k "a b\\n\\x41\\"" \'c "d\' ""'), ['SET', 'k', 'a b\nA"', 'c "d', '']);
  t.same(splitWords('GET k:${__Random(1, 2)}:x "${a b}"'), [
    'GET',
    'k:${__Random(1, 2)}:x',
    '${a b}',
  ]);
  t.same(splitWords('A ${__V(a${b})} "\\$x"'), ['A', '${__V(a${b})}', '\\$x']);
  t.throws(() => splitWords('SET "k'), { message: /quote is not closed/ });
  t.throws(() => splitWords('SET ${k'), { message: /'\}' is missing/ });
});
