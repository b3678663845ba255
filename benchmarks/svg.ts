// The few shapes that the pictures of this folder are drawn with: SVG elements as text.
//
// No library, no script: attributes only, so that a picture can be committed, shown by a README and
// put into an HTML page. Numbers are rounded to a tenth of a pixel, and text is escaped here and
// nowhere else.

export const FONT = "system-ui, 'DejaVu Sans', sans-serif";
const SERIES_COLORS = [
  ...['#2f7ed8', '#e07b28', '#3a9d5d', '#8e5bc4', '#b8433f'],
  ...['#0f8b8d', '#a6761d', '#d6337c', '#6b7280', '#5b7f00'],
];

export interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly anchor?: 'middle' | 'end';
}

export function text(
  x: number,
  y: number,
  content: string,
  tone: string,
  style: TextStyle,
): string {
  const weight = style.weight === undefined ? '' : ` font-weight="${style.weight}"`;
  const anchor = style.anchor === undefined ? '' : ` text-anchor="${style.anchor}"`;
  const place = `x="${round(x)}" y="${round(y)}" font-size="${style.size}"`;
  return `<text class="${tone}" ${place}${weight}${anchor}>${escapeXml(content)}</text>`;
}

export function rect(x: number, y: number, width: number, height: number, color: string): string {
  const size = `width="${round(width)}" height="${height}"`;
  return `<rect x="${round(x)}" y="${round(y)}" ${size} fill="${color}" rx="1.5"/>`;
}

/** A vertical rule. */
export function line(x: number, top: number, bottom: number, tone: string): string {
  return `<line class="${tone}" x1="${round(x)}" x2="${round(x)}" y1="${top}" y2="${bottom}"/>`;
}

/** Series beyond the palette begin it again. */
export function colorOf(index: number): string {
  return SERIES_COLORS[index % SERIES_COLORS.length]!;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escapeXml(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A whole picture on a card of its own, readable on light and dark pages. */
export function frame(
  width: number,
  height: number,
  title: string,
  style: string,
  body: readonly string[],
): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${escapeXml(FONT)}" role="img">`,
    `  <title>${escapeXml(title)}</title>`,
    `  <style>${style}\n  </style>`,
    `  <rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...body.map((element) => `  ${element}`),
    '</svg>',
    '',
  ].join('\n');
}

/** Classes of the shapes above; a viewer that prefers dark colours gets dark ones. */
export const CARD_STYLE = `
    .card { fill: #ffffff; stroke: #d0d4da; }
    .ink { fill: #1c2128; }
    .figure { fill: #1c2128; stroke: #ffffff; stroke-width: 3px; paint-order: stroke; }
    .soft { fill: #57606a; }
    .rule { stroke: #d8dce2; }
    .one { stroke: #57606a; }
    @media (prefers-color-scheme: dark) {
      .card { fill: #161b22; stroke: #373e47; }
      .ink { fill: #e6edf3; }
      .figure { fill: #e6edf3; stroke: #161b22; }
      .soft { fill: #9aa4af; }
      .rule { stroke: #2b313a; }
      .one { stroke: #9aa4af; }
    }`;
