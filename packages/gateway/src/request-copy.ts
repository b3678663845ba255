/**
 * Commands in blocks of their own, for when one must outlive the event that brought it, or when a
 * command is an argument of another (COMMAND GETKEYS).
 */
import { Block, RequestParser } from '@hashlane/resp';

/** Arguments from number `from` on, as a RESP array in a new block. */
export function copyRequest(parser: RequestParser, from = 0): Block {
  const parts: Buffer[] = [Buffer.from(`*${parser.argc - from}\r\n`, 'latin1')];
  for (let i = from; i < parser.argc; i++) {
    const start = parser.offset(i);
    const length = parser.length(i);
    parts.push(Buffer.from(`$${length}\r\n`, 'latin1'));
    parts.push(parser.block.bytes.subarray(start, start + length));
    parts.push(Buffer.from('\r\n', 'latin1'));
  }
  return new Block(Buffer.concat(parts));
}

/** A parser that holds the one command of `block`. */
export function parseCopy(block: Block): RequestParser {
  const parser = new RequestParser();
  // It was accepted once; the limits may have changed since.
  parser.bulkBytesMax = Number.MAX_SAFE_INTEGER;
  parser.parse(block, 0, block.bytes.length);
  return parser;
}
