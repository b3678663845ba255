// Where a RESP2 reply ends, without making anything of it.
//
// A replay compares bytes, so all that it has to know of replies is their boundaries, and those only
// once: the replies of a recorded call are the same on every server and in every round.

const LINE_FEED = 0x0a;

/** Offset behind the reply that begins at `at`; -1 when it is not complete. */
export function replyEnd(bytes: Buffer, at: number): number {
  let left = 1;
  let position = at;
  while (left > 0) {
    const end = bytes.indexOf(LINE_FEED, position);
    if (end < 0) return -1;
    const type = bytes[position];
    // A line that ends in CR LF: Number() passes over the CR.
    const count = Number(bytes.toString('latin1', position + 1, end));
    position = end + 1;
    left--;
    if (type === 0x24 && count >= 0) position += count + 2;
    else if (type === 0x2a && count > 0) left += count;
    else if (!isOneLine(type)) throw new Error(`not a RESP2 reply: type ${type}`);
    if (position > bytes.length) return -1;
  }
  return position;
}

/** Status, error and number; also `$-1`, `*-1` and `*0`, which have no more than their line. */
function isOneLine(type: number | undefined): boolean {
  return type === 0x2b || type === 0x2d || type === 0x3a || type === 0x24 || type === 0x2a;
}

export function isErrorReply(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x2d;
}
