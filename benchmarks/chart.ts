// The picture beside the table: throughput and server CPU per operation, as ratios to redis-server.
//
// Two panels side by side, one row per test and pipeline, one bar per contender in a row, a rule at
// 1.0× for redis-server itself. The SVG is plain shapes and text with attributes, no library, no
// script. It brings its own background, so it reads on a light and on a dark page; a viewer that
// prefers dark colours gets dark ones by the style sheet inside.
//
//   label │ ████████ 1.31×      │  label │ ███ 0.62×
//         │ ██████ 1.02×        │        │ █████ 1.08×
//              ┊ 1.0                          ┊ 1.0
//
// Bars longer than the axis are cut at its end; the figure beside the bar always tells the value.

import { BENCH_TEXTS, type ReportTexts, type RunInfo } from './report.ts';
import { BASELINE, type Cell, type MetricName, testLabel } from './results.ts';
import { CARD_STYLE, colorOf, frame, line, rect, text } from './svg.ts';

const BAR = { height: 10, gap: 3 };
const ROW_GAP = 12;
const MARGIN = 24;
const LABEL_WIDTH_MIN = 144;
/** Of one character of a label. */
const LABEL_CHARACTER = 6.6;
const PANEL_WIDTH = 330;
/** Room right of the longest bar for its figure. */
const FIGURE_WIDTH = 46;
const PANEL_GAP = 36;
const HEAD_HEIGHT = 108;
const FOOT_HEIGHT = 40;

interface Panel {
  readonly metric: MetricName;
  readonly title: string;
  readonly note: string;
}

const PANELS: readonly Panel[] = [
  { metric: 'rps', title: 'Throughput', note: 'longer is better' },
  { metric: 'cpuUs', title: 'Server CPU per operation', note: 'shorter is better' },
];

interface Row {
  readonly label: string;
  readonly cells: readonly Cell[];
}

/** The SVG document, or undefined if nothing in the cells has a ratio to draw. */
export function renderChart(
  info: RunInfo,
  cells: readonly Cell[],
  texts: ReportTexts = BENCH_TEXTS,
): string | undefined {
  const drawn = cells.filter((c) => c.ratio !== null && PANELS.some((p) => p.metric === c.metric));
  const rows: Row[] = [...Map.groupBy(drawn, testLabel)].map(([label, own]) => ({
    label,
    cells: own,
  }));
  if (rows.length === 0) return undefined;
  const series = info.contenders.filter(
    (c) => c.name !== BASELINE && drawn.some((cell) => cell.contender === c.name),
  );
  const rowHeight = series.length * (BAR.height + BAR.gap) + ROW_GAP;
  const longest = Math.max(...rows.map(({ label }) => label.length));
  const labelWidth = Math.max(LABEL_WIDTH_MIN, Math.ceil(longest * LABEL_CHARACTER));
  const width = 2 * MARGIN + labelWidth + 2 * PANEL_WIDTH + PANEL_GAP;
  const height = HEAD_HEIGHT + rows.length * rowHeight + FOOT_HEIGHT;
  const panels = PANELS.map((panel, i) => {
    const left = MARGIN + labelWidth + i * (PANEL_WIDTH + PANEL_GAP);
    return drawPanel(panel, left, rows, rowHeight, series);
  });
  const labels = rows.map((row, i) => {
    const y = HEAD_HEIGHT + i * rowHeight + (rowHeight - ROW_GAP) / 2 + 4;
    return text(MARGIN, y, row.label, 'ink', { size: 12 });
  });
  const head = drawHead(info, series, texts);
  const body = [...head, ...labels, ...panels.flat(), drawFoot(info, height, texts)];
  return frame(width, height, texts.chartTitle, CARD_STYLE, body);
}

function drawHead(info: RunInfo, series: RunInfo['contenders'], texts: ReportTexts): string[] {
  const legend: string[] = [];
  let x = MARGIN;
  for (const [i, contender] of series.entries()) {
    legend.push(rect(x, 46, 12, 12, colorOf(i)));
    legend.push(text(x + 18, 56.5, contender.label, 'ink', { size: 12 }));
    x += 18 + contender.label.length * 7.5 + 24;
  }
  const rounds = info.rounds === 1 ? 'one round' : `medians of ${info.rounds} rounds`;
  const where = `${rounds}, ${info.cores} cores for client and server`;
  return [
    text(MARGIN, 32, texts.chartHeading, 'ink', { size: 16, weight: 600 }),
    ...legend,
    text(x, 56.5, where, 'soft', { size: 12 }),
  ];
}

function drawFoot(info: RunInfo, height: number, texts: ReportTexts): string {
  const versions = `redis-server ${info.redis}, Node ${info.node}, ${info.cpu}`;
  const said = `${info.date}, ${versions}. ${texts.chartNote}`;
  return text(MARGIN, height - 14, said, 'soft', { size: 11 });
}

function drawPanel(
  panel: Panel,
  left: number,
  rows: readonly Row[],
  rowHeight: number,
  series: RunInfo['contenders'],
): string[] {
  const cells = rows.flatMap((row) => row.cells).filter((cell) => cell.metric === panel.metric);
  const axis = axisOf(cells.map((cell) => cell.ratio!));
  const scale = (PANEL_WIDTH - FIGURE_WIDTH) / axis.end;
  const top = HEAD_HEIGHT - 6;
  const bottom = HEAD_HEIGHT + rows.length * rowHeight - ROW_GAP + 6;
  const out = [
    text(left, 84, panel.title, 'ink', { size: 13, weight: 600 }),
    text(left + PANEL_WIDTH, 84, panel.note, 'soft', { size: 11, anchor: 'end' }),
  ];
  for (const tick of axis.ticks) {
    const x = left + tick * scale;
    out.push(line(x, top, bottom, tick === 1 ? 'one' : 'rule'));
    out.push(text(x, top - 3, `${tick}×`, 'soft', { size: 10, anchor: 'middle' }));
  }
  for (const [i, row] of rows.entries()) {
    for (const [k, contender] of series.entries()) {
      const cell = row.cells.find(
        (c) => c.metric === panel.metric && c.contender === contender.name,
      );
      if (cell === undefined) continue;
      const y = HEAD_HEIGHT + i * rowHeight + k * (BAR.height + BAR.gap);
      const width = Math.min(cell.ratio!, axis.end) * scale;
      out.push(rect(left, y, width, BAR.height, colorOf(k)));
      const figure = `${cell.ratio!.toFixed(2)}×`;
      // A rule may run behind the figure, so it has a rim in the card's colour.
      out.push(text(left + width + 5, y + BAR.height - 1, figure, 'figure', { size: 10 }));
    }
  }
  return out;
}

/** An axis from 0 that holds all values up to 3×, with ticks at most six. */
function axisOf(values: readonly number[]): { end: number; ticks: number[] } {
  const end = Math.min(3, Math.max(1.25, ...values));
  const step = end > 1.5 ? 0.5 : 0.25;
  const count = Math.floor(end / step + 1e-9);
  return { end, ticks: Array.from({ length: count + 1 }, (_, i) => i * step) };
}
