// The SVG is checked for well-formedness with a scanner of its own: the chart uses no CDATA, no
// comments and no entities but the predefined ones, so tags, attributes and nesting are all that
// has to be looked at.

import t from 'tap';
import { renderChart } from './chart.ts';
import type { RunInfo } from './report.ts';
import type { Cell } from './results.ts';

const INFO: RunInfo = {
  date: '2026-01-02',
  commit: 'abcdef0',
  node: '26.0.0',
  redis: '7.0.15',
  system: 'Linux 6.1',
  cpu: 'Some <fast> & "new" CPU',
  cores: 2,
  memoryGb: 8,
  rounds: 3,
  isQuick: false,
  seconds: 5,
  leftOut: [],
  contenders: [
    { name: 'redis', label: 'redis-server' },
    { name: 'inproc', label: 'in-process' },
    { name: '1', label: '1 shard' },
  ],
};

function cell(of: Partial<Cell>): Cell {
  const plain = { suite: 'throughput', test: 'SET', pipeline: 16, contender: 'inproc' };
  return { ...plain, metric: 'rps', median: 1, ratio: 1.5, rounds: 3, ...of };
}

/** Throws at the first thing that is not well-formed; gives the elements' names and texts. */
function scanXml(xml: string): { names: string[]; texts: string[] } {
  const open: string[] = [];
  const names: string[] = [];
  const texts: string[] = [];
  const token = /<(\/?)([a-z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const found = token.exec(xml);
    if (found === null) throw new Error(`not well-formed at ${xml.slice(at, at + 60)}`);
    const [, closing, name, attributes, selfClosing, text] = found;
    if (/&(?!amp;|lt;|gt;|quot;)/.test(`${attributes}${text}`)) throw new Error('a bare &');
    if (text !== undefined) texts.push(text);
    else if (closing === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      names.push(name!);
      if (selfClosing !== '/') open.push(name!);
    }
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is not closed`);
  return { names, texts };
}

t.test('well-formed, with a bar and a figure for every cell', async (t) => {
  const cells = [
    cell({}),
    cell({ contender: '1', ratio: 0.97 }),
    cell({ metric: 'cpuUs', ratio: 7.25 }),
    cell({ contender: 'redis', ratio: null }),
    cell({ test: 'MSET', pipeline: 1, ratio: 1.11 }),
  ];
  const { names, texts } = scanXml(renderChart(INFO, cells)!);
  t.equal(names[0], 'svg');
  for (const figure of ['1.50×', '0.97×', '7.25×', '1.11×', 'SET P16', 'MSET P1']) {
    t.ok(texts.includes(figure), figure);
  }
  // The card, two in the legend, four bars.
  t.equal(names.filter((name) => name === 'rect').length, 7);
});

t.test('everything stays on the card', async (t) => {
  const svg = renderChart(INFO, [cell({ ratio: 50 }), cell({ metric: 'cpuUs', ratio: 0.01 })])!;
  const width = Number(/<svg[^>]* width="(\d+)"/.exec(svg)?.[1]);
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)];
  t.ok(bars.length > 2);
  for (const [, x, w] of bars) t.ok(Number(x) + Number(w) < width);
});

t.test('long labels push the bars to the right', async (t) => {
  const firstBar = (svg: string) => Number([...svg.matchAll(/<rect x="([\d.]+)"/g)].at(-1)?.[1]);
  const short = renderChart(INFO, [cell({})])!;
  const long = renderChart(INFO, [cell({ test: 'moveToFinished and fetch next' })])!;
  t.ok(firstBar(long) > firstBar(short));
});

t.test('nothing to draw', async (t) => {
  t.equal(renderChart(INFO, []), undefined);
  t.equal(renderChart(INFO, [cell({ metric: 'stallMaxMs' })]), undefined);
});
