// Requests as clients send them (RESP arrays of bulk strings), read from chunks of any size.
//
// What the recording proxy sees of a connection goes through here. Arguments keep their bytes: those
// of BullMQ's scripts are MessagePack, not text. Inline commands are not read; no client library
// sends them.
//
// Cost: every argument is copied once. A request that is not complete is read again from its start
// when more has come.

const STAR = 0x2a;
const DOLLAR = 0x24;

export type RequestWords = readonly Buffer[];

export class RequestReader {
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;

  /** The requests that this chunk completes, in order. Throws on bytes that are not a request. */
  feed(chunk: Buffer): RequestWords[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const requests: RequestWords[] = [];
    let done = 0;
    this.#at = 0;
    while (done < bytes.length) {
      const request = this.#request(bytes);
      if (request === undefined) break;
      requests.push(request);
      done = this.#at;
    }
    this.#rest = Buffer.from(bytes.subarray(done));
    return requests;
  }

  /** Undefined when it is not complete; #at is then meaningless. */
  #request(bytes: Buffer): RequestWords | undefined {
    const count = this.#number(bytes, STAR);
    if (count === undefined) return undefined;
    const words: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const length = this.#number(bytes, DOLLAR);
      if (length === undefined || bytes.length < this.#at + length + 2) return undefined;
      words.push(Buffer.from(bytes.subarray(this.#at, this.#at + length)));
      this.#at += length + 2;
    }
    return words;
  }

  #number(bytes: Buffer, marker: number): number | undefined {
    if (this.#at >= bytes.length) return undefined;
    if (bytes[this.#at] !== marker) {
      const seen = bytes.toString('latin1', this.#at, this.#at + 40);
      throw new Error(`not a request: ${JSON.stringify(seen)}`);
    }
    const end = bytes.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const value = Number(bytes.toString('latin1', this.#at + 1, end));
    if (!Number.isInteger(value) || value < 0)
      throw new Error('not a request: a length is missing');
    this.#at = end + 2;
    return value;
  }
}
