/**
 * The scripts that the server knows, by SHA1: what any shard learns from an EVAL, all shards are
 * told before the EVAL is answered (ports are FIFO), so an EVALSHA that follows finds it anywhere.
 *
 * What came by EVAL is forgotten when EVAL_SCRIPTS_MAX others were used since, as in Redis 7.4; what
 * SCRIPT LOAD brought stays. Shards report what they use (`used`) only when others were learned in
 * between, so the order of use is right to some few scripts, and a server that learns nothing new
 * sends nothing.
 *
 * A shard that is started later gets all of them. What a shard learned before it saw a flush is
 * recognised by its epoch and forgotten.
 */
import { scriptWrites } from '@hashlane/scripting';
import { EVAL_SCRIPTS_MAX } from './limits.ts';
import type { ControlRequest } from './messages.ts';

/** What a shard tells of a script. */
export interface LearnedScript {
  readonly digest: string;
  readonly source: string;
  /** Flushes that the shard had seen. */
  readonly epoch: number;
  /** SCRIPT LOAD brought it. */
  readonly isLoaded: boolean;
}

export class ScriptStore {
  readonly #sources = new Map<string, string>();
  readonly #tell: (request: ControlRequest, except: number) => void;
  /** Those that came by EVAL, the least recently used first. */
  readonly #evictable = new Set<string>();
  #epoch = 0;
  /** Scripts that made room for others. */
  evicted = 0;
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

  /** Does the header of a script say that it may write? One without a header decides as it runs. */
  mayWrite(digest: string): boolean {
    const source = this.#sources.get(digest);
    return source !== undefined && scriptWrites(source);
  }

  /** All scripts, for a shard that starts. */
  all(): readonly (readonly [digest: string, source: string])[] {
    return [...this.#sources];
  }

  /** A shard has learned a script in an epoch, or SCRIPT LOAD has brought it. */
  learned(shard: number, { digest, source, epoch, isLoaded }: LearnedScript): void {
    if (epoch !== this.#epoch) return;
    if (isLoaded) this.#evictable.delete(digest);
    if (this.#sources.has(digest)) return;
    this.#sources.set(digest, source);
    this.#bytes += source.length;
    this.#tell({ type: 'script-add', digest, source }, shard);
    if (isLoaded) return;
    this.#evictable.add(digest);
    if (this.#evictable.size > EVAL_SCRIPTS_MAX) this.#evict();
  }

  /** A shard has run a script. */
  used(digest: string): void {
    if (this.#evictable.delete(digest)) this.#evictable.add(digest);
  }

  #evict(): void {
    const [digest] = this.#evictable;
    if (digest === undefined) return;
    this.#bytes -= this.#sources.get(digest)?.length ?? 0;
    this.#sources.delete(digest);
    this.#evictable.delete(digest);
    this.evicted++;
    this.#tell({ type: 'script-drop', digest }, -1);
  }

  /** SCRIPT FLUSH. */
  flush(): void {
    this.#sources.clear();
    this.#evictable.clear();
    this.#bytes = 0;
    this.#epoch++;
    this.#tell({ type: 'script-flush', epoch: this.#epoch }, -1);
  }
}
