// The report of a run as one HTML page: no script, nothing from the network, charts as SVG.
//
// It has the aggregate report, throughput and latency over time, latency by percentile, wake-ups
// where messages have a time in them, anomalies and failures. It reads on a screen of any width, in
// light and dark colours, and printed.

import { escapeXml, FONT } from '../svg.ts';
import {
  cellsOf,
  figure,
  REPORT_HEAD,
  reportRow,
  totalOf,
  WAKE_UP_HEAD,
  wakeUpCells,
  wakeUpRows,
} from './aggregate-report.ts';
import type { LatencyStatistics } from './latency-statistics.ts';
import {
  type Axis,
  type LineChart,
  renderLegend,
  renderLineChart,
  roundAxis,
  type Series,
} from './line-chart.ts';
import type { PlanResult } from './run-plan.ts';
import type { Counts, LabelRecord } from './sample-log.ts';
import type { Bucket } from './time-series.ts';

/** Where the curve of percentiles is read. */
const PERCENTILES = [0, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99];
const PERCENTILE_TICKS = [0, 50, 90, 99, 99.9, 99.99];

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2128; --soft: #57606a; --rule: #d8dce2;
  --page: #f5f6f8; --card: #ffffff; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --rule: #30363d;
  --page: #0d1117; --card: #161b22; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1240px; background: var(--page);
  color: var(--ink); font: 14px/1.45 ${FONT}; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 10px; }
p { margin: 0 0 6px; } .soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px;
  margin: 18px 0; }
.tile, figure, .table { background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; }
.tile { padding: 10px 14px; } .tile b { display: block; font-size: 20px; }
.tile span { color: var(--soft); }
.bad { color: var(--bad); }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: 6px 8px; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; border-top: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 600; border-top: 0; white-space: normal; }
th:first-child, td:first-child { text-align: left; }
tr.total td { font-weight: 600; }
td.wide { white-space: normal; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(460px, 100%), 1fr));
  gap: 14px; }
figure { margin: 0; padding: 12px; break-inside: avoid; } svg { display: block; width: 100%; }
svg text { font-family: ${FONT}; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 0; padding: 0;
  list-style: none; color: var(--soft); font-size: 12px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px;
  margin-right: 6px; }
svg .ink { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .rule { stroke: var(--rule); }
`;

export function renderHtmlReport(result: PlanResult): string {
  const labels = result.log.labels.filter(({ latency }) => latency.count > 0);
  const body = [
    heading(result),
    tiles(result),
    section('Aggregate report, times in ms', aggregateTable(labels)),
    section('Over time', `<div class="charts">${timeCharts(labels).join('\n')}</div>`),
    section('Latency by percentile', `<div class="charts">${percentileCharts(labels)}</div>`),
    wakeUps(labels),
    verifications(result),
    countTable('Anomalies', 'what', result.anomalies),
    countTable('Failed samples', 'sample and reason', result.log.failures),
  ];
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeXml(result.plan.name)}</title><style>${STYLE}</style></head><body>`,
    ...body.filter((part) => part !== ''),
    '</body></html>',
    '',
  ].join('\n');
}

function heading({ plan, server, startedAt, seconds, threads, utilization }: PlanResult): string {
  const users = plan.groups.reduce((sum, group) => sum + group.users, 0);
  const when = startedAt.toISOString().replace('T', ' ').slice(0, 19);
  const driver =
    `${users} users in ${threads} driver thread${threads === 1 ? '' : 's'}, ` +
    `${Math.round(utilization * 100)} % busy`;
  return [
    `<h1>${escapeXml(plan.name)}</h1>`,
    plan.about === '' ? '' : `<p>${escapeXml(plan.about)}</p>`,
    `<p class="soft">${escapeXml(server)}, ${when} UTC, ${figure(seconds)} s, ${driver}</p>`,
  ].join('\n');
}

function tiles({ total, log, anomalies }: PlanResult): string {
  const row = reportRow(total);
  const anomalyCount = [...anomalies.values()].reduce((sum, count) => sum + count, 0);
  const items: [string, string, boolean][] = [
    [row.samples.toLocaleString('en-US'), 'samples', false],
    [`${Math.round(row.perSecond).toLocaleString('en-US')}/s`, 'throughput', false],
    [`${figure(row.medianMs)} ms`, 'median', false],
    [`${figure(row.p99Ms)} ms`, '99 %', false],
    [`${row.errorPercent.toFixed(2)} %`, 'errors', row.errorPercent > 0],
  ];
  if (anomalyCount > 0) items.push([String(anomalyCount), 'anomalies', true]);
  if (log.unfinished > 0) items.push([String(log.unfinished), 'unfinished at the end', false]);
  const tile = ([value, label, isBad]: [string, string, boolean]) =>
    `<div class="tile"><b${isBad ? ' class="bad"' : ''}>${value}</b><span>${label}</span></div>`;
  return `<div class="tiles">${items.map(tile).join('')}</div>`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<h2>${escapeXml(title)}</h2>\n${content}`;
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  hasTotal = false,
): string {
  const cells = (row: readonly string[], tag: string, total = false) =>
    `<tr${total ? ' class="total"' : ''}>${row
      .map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`)
      .join('')}</tr>`;
  const body = rows.map((row, i) => cells(row, 'td', hasTotal && i === rows.length - 1));
  return `<div class="table"><table>${cells(head, 'th')}\n${body.join('\n')}</table></div>`;
}

function aggregateTable(labels: readonly LabelRecord[]): string {
  const rows = [...labels, totalOf(labels)].map((record) => cellsOf(reportRow(record)));
  return table(REPORT_HEAD, rows, true);
}

function timeCharts(labels: readonly LabelRecord[]): string[] {
  // The last bucket is seldom full, and would look like a collapse.
  const bucketsOf = ({ series }: LabelRecord) =>
    series.buckets.length > 2 ? series.buckets.slice(0, -1) : series.buckets;
  const curve = (
    record: LabelRecord,
    value: (bucket: Bucket, seconds: number) => number,
  ): Series => {
    const seconds = record.series.widthMs / 1e3;
    const points = bucketsOf(record).flatMap((bucket, i): [number, number][] =>
      bucket === undefined ? [] : [[(i + 0.5) * seconds, value(bucket, seconds)]],
    );
    return { label: record.label, points };
  };
  const lines: [string, string, (bucket: Bucket, seconds: number) => number][] = [
    ['Throughput', 'samples/s', (bucket, seconds) => bucket.count / seconds],
    ['Median', 'ms', ({ latency }) => latency.percentileMs(50)],
    ['99th percentile', 'ms', ({ latency }) => latency.percentileMs(99)],
    ['Failed samples', 'per s', (bucket, seconds) => bucket.failures / seconds],
  ];
  return lines.flatMap(([title, unit, value]) => {
    const series = labels.map((record) => curve(record, value));
    const values = valuesOf(series);
    if (title.startsWith('Failed') && values.every((each) => each === 0)) return [];
    return [chartFigure({ title, x: timeAxis(series), y: roundAxis(unit, values), series })];
  });
}

function valuesOf(series: readonly Series[]): number[] {
  return series.flatMap(({ points }) => points.map(([, y]) => y));
}

function timeAxis(series: readonly Series[]): Axis {
  return roundAxis(
    '',
    series.flatMap(({ points }) => points.map(([x]) => x)),
    ' s',
  );
}

/** Nines from left to right at equal distances: 0, 90, 99, 99.9 … */
function percentileAxis(): Axis {
  const at = nines;
  const ticks = PERCENTILE_TICKS.map((p) => ({ at: at(p), label: `${p}` }));
  return { title: 'percentile', min: at(0), max: at(99.99), ticks };
}

function nines(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}

function percentileChart(
  title: string,
  entries: readonly (readonly [string, LatencyStatistics])[],
): string {
  const series = entries.map(
    ([label, latency]): Series => ({
      label,
      // What is beyond the last of so many values is the greatest again, and says nothing.
      points: PERCENTILES.filter((p) => p < 50 || latency.count * (1 - p / 100) >= 1).map((p) => [
        nines(p),
        p === 0 ? latency.minMs : latency.percentileMs(p),
      ]),
    }),
  );
  const y = roundAxis('ms', valuesOf(series));
  return chartFigure({ title, x: percentileAxis(), y, series });
}

function percentileCharts(labels: readonly LabelRecord[]): string {
  const wake = labels.filter(({ wakeUp }) => wakeUp.count > 0);
  const charts = [
    percentileChart(
      'Latency',
      labels.map(({ label, latency }) => [label, latency] as const),
    ),
  ];
  if (wake.length > 0) {
    const entries = wake.map(({ label, wakeUp }) => [label, wakeUp] as const);
    charts.push(percentileChart('Wake-up: from push to the consumer', entries));
  }
  return charts.join('\n');
}

function chartFigure(chart: LineChart): string {
  return `<figure>${renderLineChart(chart)}${renderLegend(chart.series)}</figure>`;
}

function wakeUps(labels: readonly LabelRecord[]): string {
  const rows = wakeUpRows(labels);
  if (rows.length === 0) return '';
  return section(
    'Wake-up, ms from push to the consumer',
    table(WAKE_UP_HEAD, rows.map(wakeUpCells)),
  );
}

function verifications({ verifications }: PlanResult): string {
  if (verifications.length === 0) return '';
  const rows = verifications.map(({ name, failure }) => [name, failure === '' ? 'holds' : failure]);
  return section('Verified after the run', table(['what', 'result'], rows));
}

function countTable(title: string, what: string, counts: Counts): string {
  if (counts.size === 0) return '';
  const rows = [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => [name, String(count)]);
  return section(title, table([what, 'times'], rows));
}
