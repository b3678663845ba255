// The report of a run as Markdown, which is also what is printed: columns are padded, so that it
// reads as a table in a terminal too.
//
// One table per metric, tests down, contenders across. A cell is the absolute median, the ratio to
// redis-server, and the verdict where a bar is set: `1508.2 1.31× ✓`, or `0.97 1.21× ✗ (≤ 1.15×)`.

import { judge } from './bars.ts';
import { type Cell, METRIC_NAMES, METRICS, type Sample, testLabel } from './results.ts';

/** What the figures were measured on; no names of machines or folders. */
export interface RunInfo {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly redis: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly seconds: number;
  /** Tests for which there was no time left. */
  readonly leftOut: readonly string[];
  readonly contenders: readonly { readonly name: string; readonly label: string }[];
}

/** What the reports of different benchmarks say differently. */
export interface ReportTexts {
  readonly title: string;
  /** Lines on how to read the figures. */
  readonly notes: readonly string[];
  /** The picture's name, the heading in it, and what its last line says of the load. */
  readonly chartTitle: string;
  readonly chartHeading: string;
  readonly chartNote: string;
}

export const BENCH_TEXTS: ReportTexts = {
  title: 'hashlane beside redis-server',
  notes: ['P1 and P16 are pipelines of 1 and 16.'],
  chartTitle: 'hashlane beside redis-server: ratios of throughput and CPU per operation',
  chartHeading: 'hashlane beside redis-server (1.0×)',
  chartNote: 'P1, P16: pipeline of 1, of 16; 50 clients.',
};

/** The whole report; ends with a line feed. */
export function renderReport(
  info: RunInfo,
  cells: readonly Cell[],
  samples: readonly Sample[],
  texts: ReportTexts = BENCH_TEXTS,
): string {
  const tables = METRIC_NAMES.flatMap((metric) => {
    const rows = cells.filter((cell) => cell.metric === metric);
    return rows.length === 0 ? [] : [metricSection(metric, rows, info)];
  });
  const late = info.leftOut.length === 0 ? '' : `Left out for time: ${info.leftOut.join(', ')}.`;
  const sections = [
    heading(info, texts),
    summary(cells),
    late,
    errorList(info, samples),
    ...tables,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function heading(info: RunInfo, texts: ReportTexts): string {
  const rounds = `${info.rounds} round${info.rounds === 1 ? '' : 's'}`;
  return [
    `# ${texts.title}`,
    '',
    `${info.date}, commit ${info.commit}, Node ${info.node}, redis-server ${info.redis}.`,
    `${info.cpu}, ${info.cores} cores for client and server, ${info.memoryGb} GB, ${info.system}.`,
    `${rounds}${info.isQuick ? ' (--quick)' : ''}, one load at a time, contenders in turn,` +
      ` ${info.seconds} s in all.`,
    '',
    'A cell: median of the rounds, median of the ratios to redis-server in the same round, and',
    '✓ or ✗ where a bar is set (benchmarks/bars.ts). Compare within a run only.',
    ...texts.notes,
  ].join('\n');
}

function summary(cells: readonly Cell[]): string {
  const judged = cells.flatMap((cell) => {
    const verdict = judge(cell);
    return verdict === undefined ? [] : [verdict];
  });
  if (judged.length === 0) return '';
  const met = judged.filter((verdict) => verdict.isMet).length;
  return `**Bars met: ${met} of ${judged.length}.**`;
}

function errorList(info: RunInfo, samples: readonly Sample[]): string {
  const failed = samples.filter((sample) => sample.error !== undefined);
  if (failed.length === 0) return '';
  const lines = new Set(
    failed.map((sample) => {
      const what = `${sample.suite}, ${testLabel(sample)}, ${labelOf(info, sample.contender)}`;
      return `* ${what}: ${sample.error!.split('\n')[0]}`;
    }),
  );
  return ['## Failed', '', ...lines].join('\n');
}

function labelOf(info: RunInfo, name: string): string {
  return info.contenders.find((contender) => contender.name === name)?.label ?? name;
}

function metricSection(metric: Cell['metric'], cells: readonly Cell[], info: RunInfo): string {
  const { title, unit, better } = METRICS[metric];
  const shown = info.contenders.filter((c) => cells.some((cell) => cell.contender === c.name));
  const byTest = Map.groupBy(cells, (cell) => `${cell.suite}/${testLabel(cell)}`);
  const rows = [...byTest.values()].map((row) => [
    testLabel(row[0]!),
    ...shown.map((c) => cellText(row.find((cell) => cell.contender === c.name))),
  ]);
  const head = ['test', ...shown.map((contender) => contender.label)];
  const note = `${unit === '' ? '' : `${unit}, `}${better} is better`;
  return `## ${title} (${note})\n\n${renderTable(head, rows)}`;
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  const ratio = cell.ratio === null ? '' : ` ${cell.ratio.toFixed(2)}×`;
  const verdict = judge(cell);
  const mark = verdict === undefined ? '' : verdict.isMet ? ' ✓' : ` ✗ (${verdict.bar})`;
  return `${cell.median.toFixed(METRICS[cell.metric].digits)}${ratio}${mark}`;
}

/** A Markdown table with padded columns; the first is aligned left, the others right. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[i] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((w, i) => pad(row[i] ?? '', w, i > 0)).join(' | ')} |`;
  const rule = widths.map((w, i) => (i === 0 ? '-'.repeat(w) : `${'-'.repeat(w - 1)}:`));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width);
}

/** One sample in one line, for the progress shown while a run goes on. */
export function renderSample(sample: Sample): string {
  const figures = METRIC_NAMES.flatMap((metric) => {
    const value = sample.values[metric];
    const { unit, digits } = METRICS[metric];
    return value === undefined ? [] : [`${metric} ${value.toFixed(digits)}${unit && ` ${unit}`}`];
  });
  const said = sample.error === undefined ? figures.join(', ') : `failed: ${sample.error}`;
  const who = sample.contender.padEnd(8);
  return `${testLabel(sample).padEnd(20)} round ${sample.round + 1}  ${who} ${said}`;
}
