// A chart of lines as SVG, for the HTML report: axes with round numbers, a legend, and the value of
// every point as a tooltip where there are few enough of them.

import { colorOf, escapeXml, round, text } from '../svg.ts';

const WIDTH = 560;
const HEIGHT = 260;
const PLOT = { left: 56, right: 22, top: 34, bottom: 34 };
/** Points with a dot and a tooltip; beyond that the line alone. */
const DOTS_MAX = 80;

export interface Series {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** From 0 to a round number that is not less than the greatest value. */
export function roundAxis(title: string, values: readonly number[], unit = ''): Axis {
  const top = Math.max(1e-3, ...values);
  const magnitude = 10 ** Math.floor(Math.log10(top / 4));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * magnitude).find((s) => s * 5 >= top)!;
  const count = Math.ceil(top / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, i) => ({
    at: i * step,
    label: `${shortNumber(i * step)}${unit}`,
  }));
  return { title, min: 0, max: count * step, ticks };
}

/** 1500 → 1.5k, 2000000 → 2M. */
export function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

export function renderLineChart(chart: LineChart): string {
  const { x, y, series } = chart;
  const toX = scale(x, PLOT.left, WIDTH - PLOT.right);
  const toY = scale(y, HEIGHT - PLOT.bottom, PLOT.top);
  const body = [
    text(PLOT.left, 16, chart.title, 'ink', { size: 13, weight: 600 }),
    text(WIDTH - PLOT.right, 16, y.title, 'soft', { size: 11, anchor: 'end' }),
    text(WIDTH - PLOT.right, HEIGHT - 4, x.title, 'soft', { size: 11, anchor: 'end' }),
  ];
  for (const { at, label } of y.ticks) {
    body.push(rule(PLOT.left, toY(at), WIDTH - PLOT.right, toY(at)));
    body.push(text(PLOT.left - 6, toY(at) + 4, label, 'soft', { size: 11, anchor: 'end' }));
  }
  for (const { at, label } of x.ticks) {
    body.push(rule(toX(at), PLOT.top, toX(at), HEIGHT - PLOT.bottom));
    body.push(
      text(toX(at), HEIGHT - PLOT.bottom + 15, label, 'soft', { size: 11, anchor: 'middle' }),
    );
  }
  for (const [i, { label, points }] of series.entries()) {
    body.push(...drawSeries(label, points, colorOf(i), toX, toY));
  }
  const size = `viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"`;
  return `<svg ${size} aria-label="${escapeXml(chart.title)}">${body.join('\n')}</svg>`;
}

/** Names and colours, as HTML: text wraps there. */
export function renderLegend(series: readonly Series[]): string {
  const items = series.map(
    ({ label }, i) => `<li><i style="background:${colorOf(i)}"></i>${escapeXml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

function drawSeries(
  label: string,
  points: Series['points'],
  color: string,
  toX: (value: number) => number,
  toY: (value: number) => number,
): string[] {
  if (points.length === 0) return [];
  const path = points.map(([px, py]) => `${round(toX(px))},${round(toY(py))}`).join(' ');
  const line = `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`;
  if (points.length > DOTS_MAX) return [line];
  const dots = points.map(([px, py]) => {
    const place = `cx="${round(toX(px))}" cy="${round(toY(py))}"`;
    const tip = escapeXml(`${label}: ${shortNumber(py)}`);
    return `<circle ${place} r="2.5" fill="${color}"><title>${tip}</title></circle>`;
  });
  return [line, ...dots];
}

function scale({ min, max }: Axis, from: number, to: number): (value: number) => number {
  const factor = (to - from) / (max - min || 1);
  return (value) => from + (Math.min(max, Math.max(min, value)) - min) * factor;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  const place = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line class="rule" ${place}/>`;
}
