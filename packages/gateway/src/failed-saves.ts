/**
 * While snapshots fail, and `stop-writes-on-bgsave-error` says so, nothing is written: commands that
 * write are refused here, and scripts of which is known that they may. What other scripts do, their
 * shards see, which find the same in a word of shared memory.
 */
import { DENYOOM, WRITE } from '@hashlane/core/metadata';
import type { RequestParser } from '@hashlane/resp';
import { scriptWrites } from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import { GATE_MISCONFIGURED } from './gate.ts';
import type { Gateway } from './gateway.ts';

const HASH = 35;

/** The last snapshot has failed or not, or the configuration has changed. */
export function followSaves({ configuration, gate, shards, snapshots }: Gateway): void {
  const { save, stopWritesOnBgsaveError } = configuration.values;
  const stops = snapshots.lastStatus === 'err' && stopWritesOnBgsaveError && save.length > 0;
  gate.set(GATE_MISCONFIGURED, stops);
  shards.board.stopWrites(stops);
}

/** Does a command write, or run what says of itself that it may? */
export function mayWrite(
  { shards: { functions, scripts } }: Gateway,
  { transaction }: Connection,
  { spec }: CommandEntry,
  parser: RequestParser,
): boolean {
  if ((spec.flags & (WRITE | DENYOOM)) !== 0) return true;
  switch (spec.name) {
    case 'EVAL':
    case 'EVAL_RO':
      return parser.block.bytes[parser.offset(1)] === HASH && scriptWrites(parser.text(1));
    case 'EVALSHA':
    case 'EVALSHA_RO':
      return scripts.mayWrite(parser.text(1).toLowerCase());
    case 'FCALL':
    case 'FCALL_RO':
      return functions.mayWrite(parser.text(1));
    case 'EXEC':
      return transaction !== undefined && (transaction.flags & WRITE) !== 0;
    default:
      return false;
  }
}
