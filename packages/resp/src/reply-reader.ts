/**
 * Reads replies of shards: just enough RESP to take them apart. Shards are trusted: the bytes are
 * whole and sound.
 */
const CR = 13;

/** End of the reply that begins at `at`. */
export function replyEnd(bytes: Buffer, at: number): number {
  const line = bytes.indexOf(CR, at);
  const afterLine = line + 2;
  switch (bytes[at]) {
    case 36: // bulk string
    case 61: {
      const length = Number(bytes.latin1Slice(at + 1, line));
      return length < 0 ? afterLine : afterLine + length + 2;
    }
    case 37: // map
      return elementsEnd(bytes, afterLine, 2 * Number(bytes.latin1Slice(at + 1, line)));
    case 42: // array, set, push
    case 126:
    case 62:
      return elementsEnd(bytes, afterLine, Number(bytes.latin1Slice(at + 1, line)));
    default:
      return afterLine;
  }
}

function elementsEnd(bytes: Buffer, from: number, count: number): number {
  let at = from;
  for (let i = 0; i < count; i++) at = replyEnd(bytes, at);
  return at;
}

/** The raw replies inside an array reply; undefined for a null. */
export function elementsOf(reply: Buffer): Buffer[] | undefined {
  const line = reply.indexOf(CR);
  const count = Number(reply.latin1Slice(1, line));
  if (reply[0] === 95 || count < 0) return undefined;
  const elements: Buffer[] = [];
  let at = line + 2;
  for (let i = 0; i < count; i++) {
    const end = replyEnd(reply, at);
    elements.push(reply.subarray(at, end));
    at = end;
  }
  return elements;
}

/** Bytes of a bulk string reply; undefined for a null. */
export function bulkOf(reply: Buffer): Buffer | undefined {
  if (reply[0] !== 36 || reply[1] === 45) return undefined;
  const line = reply.indexOf(CR);
  return reply.subarray(line + 2, reply.length - 2);
}

export function integerOf(reply: Buffer): number {
  return Number(reply.latin1Slice(1, reply.indexOf(CR)));
}

export function isError(reply: Uint8Array): boolean {
  return reply[0] === 45;
}

/** True for every form of "nothing": null bulk, null array, RESP3 null. */
export function isNull(reply: Buffer): boolean {
  return isNullAt(reply, 0);
}

/** The same for the reply that begins at `at`. */
export function isNullAt(bytes: Buffer, at: number): boolean {
  const type = bytes[at];
  return type === 95 || ((type === 36 || type === 42) && bytes[at + 1] === 45);
}
