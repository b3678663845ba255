/**
 * The scripts that the server knows, by SHA1: what any shard learns from an EVAL, all shards are
 * told before the EVAL is answered (ports are FIFO), so an EVALSHA that follows finds it anywhere.
 *
 * A shard that is started later gets all of them. What a shard learned before it saw a flush is
 * recognised by its epoch and forgotten.
 */
import type { ControlRequest } from './messages.ts';

export class ScriptStore {
  readonly #sources = new Map<string, string>();
  readonly #tell: (request: ControlRequest, except: number) => void;
  #epoch = 0;
  /** Characters of all sources. */
  #bytes = 0;

  /** `tell` sends a control message to all shards but one (−1: to all). */
  constructor(tell: (request: ControlRequest, except: number) => void) {
    this.#tell = tell;
  }

  get size(): number {
    return this.#sources.size;
  }

  /** Bytes of their sources. */
  get bytes(): number {
    return this.#bytes;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Digest is in lower case. */
  has(digest: string): boolean {
    return this.#sources.has(digest);
  }

  /** All scripts, for a shard that starts. */
  all(): readonly (readonly [digest: string, source: string])[] {
    return [...this.#sources];
  }

  /** A shard has learned a script in an epoch. */
  learned(shard: number, digest: string, source: string, epoch: number): void {
    if (epoch !== this.#epoch || this.#sources.has(digest)) return;
    this.#sources.set(digest, source);
    this.#bytes += source.length;
    this.#tell({ type: 'script-add', digest, source }, shard);
  }

  /** SCRIPT FLUSH. */
  flush(): void {
    this.#sources.clear();
    this.#bytes = 0;
    this.#epoch++;
    this.#tell({ type: 'script-flush', epoch: this.#epoch }, -1);
  }
}
