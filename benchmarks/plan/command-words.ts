// A command as one line of text, split into its arguments.
//
// Words are separated by spaces. "…" takes \n \r \t \" \\ and \xHH, '…' takes \', as in redis-cli.
// What stands in ${…} is left alone, spaces, commas and quotes included: a template is read later,
// and so is "\$", its escape.

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
};

/** Throws Error when a quote or a brace stays open. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (line[at] === ' ' || line[at] === '\n' || line[at] === '\t') at++;
    if (at >= line.length) return words;
    let word = '';
    while (at < line.length && !/\s/.test(line[at]!)) {
      const piece = takePiece(line, at);
      word += piece.text;
      at = piece.end;
    }
    words.push(word);
  }
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

function takePiece(line: string, at: number): Piece {
  if (line.startsWith('${', at)) return takeReference(line, at);
  if (line.startsWith('\\$', at)) return { text: '\\$', end: at + 2 };
  const quote = line[at]!;
  if (quote === '"' || quote === "'") return takeQuoted(line, at, quote);
  return { text: quote, end: at + 1 };
}

function takeReference(line: string, at: number): Piece {
  let depth = 0;
  for (let end = at; end < line.length; end++) {
    if (line[end] === '{') depth++;
    if (line[end] === '}' && --depth === 0) {
      return { text: line.slice(at, end + 1), end: end + 1 };
    }
  }
  throw new Error(`'}' is missing in '${line.slice(at)}'`);
}

function takeQuoted(line: string, start: number, quote: string): Piece {
  let text = '';
  let at = start + 1;
  while (at < line.length) {
    if (line[at] === quote) return { text, end: at + 1 };
    const piece = takeQuotedPiece(line, at, quote);
    text += piece.text;
    at = piece.end;
  }
  throw new Error(`a quote is not closed in '${line.slice(start)}'`);
}

function takeQuotedPiece(line: string, at: number, quote: string): Piece {
  if (line.startsWith('${', at)) return takeReference(line, at);
  const next = line[at + 1] ?? '';
  if (line[at] !== '\\' || next === '$') return { text: line[at]!, end: at + 1 };
  if (quote === "'") {
    return next === "'" ? { text: "'", end: at + 2 } : { text: '\\', end: at + 1 };
  }
  const hex = /^\\x([0-9a-fA-F]{2})/.exec(line.slice(at, at + 4))?.[1];
  if (hex !== undefined)
    return { text: String.fromCharCode(Number.parseInt(hex, 16)), end: at + 4 };
  return { text: ESCAPES[next] ?? next, end: at + 2 };
}
