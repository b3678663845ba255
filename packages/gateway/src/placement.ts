/**
 * Where keys are: which shard has a key, and which one has all the keys of a command.
 *
 * *Invariant*: who asks for the same key gets the same shard, for as long as the server runs; on a
 * server with one shard everything is on shard 0, and nothing is looked at to say so. The rule itself
 * is the router's (shard-worker's routing.ts); what it needs, the keys among the arguments of a
 * command, is found here.
 */
import type { KeyFinder } from '@hashlane/core/metadata';
import { Block, type RequestParser } from '@hashlane/resp';
import { hashBytes, type ShardGroup } from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import { sortsAlone } from './sorting.ts';

export class Placement {
  readonly #router: ShardGroup['router'];
  readonly #keys: KeyFinder;

  /** `keys` is left with the keys of the command that was asked for last. */
  constructor(router: ShardGroup['router'], keys: KeyFinder) {
    this.#router = router;
    this.#keys = keys;
  }

  /** The shard of a key. */
  shardOfKey(key: Buffer): number {
    return this.#shardOf(new Block(key));
  }

  readonly #shardOf = (key: Block): number => {
    const { length } = key.bytes;
    return this.#router.shardOf(key, 0, length, hashBytes(key, 0, length));
  };

  /** The shard of the key in an argument. */
  shardOfArgument(parser: RequestParser, i: number): number {
    const offset = parser.offset(i);
    const length = parser.length(i);
    const hash = hashBytes(parser.block, offset, length);
    return this.#router.shardOf(parser.block, offset, length, hash);
  }

  /** The one shard that can execute a command alone, or −1. */
  shardOfCommand({ spec }: CommandEntry, parser: RequestParser): number {
    if (this.#router.shards === 1) return 0;
    // BY and GET of SORT name keys that are not among its arguments.
    if (spec.spread === 'sort' && parser.argc > 2 && !sortsAlone(parser, this.#shardOf)) return -1;
    const keys = this.#keys;
    const count = keys.find(spec, parser);
    if (count === 0) return spec.spread === 'every' ? -1 : 0;
    let shard = -1;
    for (let i = 0; i < count; i++) {
      const owner = this.shardOfArgument(parser, keys.positions[i]);
      if (shard >= 0 && owner !== shard) return -1;
      shard = owner;
    }
    return shard;
  }
}
