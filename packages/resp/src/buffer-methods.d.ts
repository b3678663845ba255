/**
 * Methods that every Buffer of Node has and that @types/node leaves out: `toString` and `write` for
 * one encoding, without the look-up of the encoding's name, which costs more than a short key.
 * Offsets are in bytes; `latin1Write` gives back the bytes written.
 */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
  utf8Slice(start?: number, end?: number): string;
  utf8Write(text: string, offset?: number, length?: number): number;
}
