/**
 * The way of a command from parsed arguments to whoever executes it.
 *
 *   dispatch ─▶ look up ─▶ check ─▶ gate ─┬─▶ queued until EXEC   (transaction.ts)
 *                  │         │       │    ├─▶ executed here       (server-executor.ts)
 *                  └─────────┴───────┤    └─▶ sent to its shards  (forwarder.ts)
 *                                    │
 *                        refused ◀───┴───▶ held: dispatched again later
 *
 * *Invariant*: a command that comes here is refused with one error, or held and dispatched again, or
 * handed on to exactly one of the three; so nothing has happened when it was refused. Within MULTI a
 * refusal makes EXEC do nothing.
 *
 * This is on the way of every command: no closures and no objects unless it is refused.
 */
import { ALLOW_BUSY, LOADING, NO_AUTH, NO_MULTI } from '@hashlane/core/metadata';
import {
  type Block,
  errors,
  notWhileSubscribed,
  type RequestParser,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
} from '@hashlane/resp';
import { busyError } from '@hashlane/shard-worker';
import type { CommandEntry, CommandIndex } from './command-index.ts';
import type { Connection } from './connection.ts';
import { mayWrite } from './failed-saves.ts';
import type { Forwarder } from './forwarder.ts';
import { GATE_BUSY, GATE_LOADING, GATE_MISCONFIGURED, GATE_PAUSED, type Gate } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { parseCopy } from './request-copy.ts';
import type { ServerExecutor } from './server-executor.ts';
import { queueCommand, refuseExec, type Transaction } from './transaction.ts';

/** The error for an unknown command repeats its arguments up to this one. */
const REPEATED_ARGUMENTS_END = 20;

export class Dispatcher {
  readonly #gateway: Gateway;
  readonly #commands: CommandIndex;
  readonly #gate: Gate;
  readonly #executor: ServerExecutor;
  readonly #forwarder: Forwarder;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#commands = gateway.commands;
    this.#gate = gateway.gate;
    this.#executor = gateway.serverExecutor;
    this.#forwarder = gateway.forwarder;
  }

  /**
   * Executes or sends one command. `ownsBlock`: the arguments are alone in their block, which may
   * be given away.
   */
  dispatch(connection: Connection, parser: RequestParser, ownsBlock: boolean): void {
    const { spans, argc } = parser;
    let entry = this.#commands.find(parser.block, spans[0] + parser.origin, spans[1]);
    if (entry === undefined) {
      this.#refuseUnknown(connection, parser);
      return;
    }
    if (entry.subcommands !== undefined && argc > 1) {
      entry = this.#findSubcommand(connection, entry, parser);
      if (entry === undefined) return;
    }
    // What is rare is asked apart: with it, this would be too large to be inlined as a whole.
    const { arity } = entry.spec;
    const isMiscounted = arity > 0 ? argc !== arity : argc < -arity;
    if (isMiscounted || !connection.isAuthenticated || connection.subscriptions !== undefined) {
      const mistake = this.#mistakeIn(connection, entry, isMiscounted);
      if (mistake !== undefined) {
        this.#refuse(connection, entry, mistake);
        return;
      }
    }
    connection.lastCommand = entry;
    connection.commandsProcessed++;
    if (this.#gate.reasons !== 0 && this.#isStopped(connection, entry, parser)) return;
    const { transaction } = connection;
    if (transaction !== undefined && entry.isQueued) {
      this.#queue(connection, transaction, entry, parser);
    } else if (connection.replyMode !== 'on') {
      this.#dispatchSilently(connection, entry, parser);
    } else if (entry.handler !== undefined) {
      this.#executor.execute(connection, entry, parser);
    } else {
      this.#forwarder.forward(connection, entry, parser, ownsBlock);
    }
  }

  /** Dispatches a command that was held or put off, from its copy, within a turn. */
  dispatchAgain(connection: Connection, copy: Block): void {
    const { turn } = this.#gateway;
    turn.enter(connection);
    this.dispatch(connection, parseCopy(copy), false);
    turn.cut(connection);
  }

  /** The subcommand that the arguments name; undefined when it was refused. */
  #findSubcommand(
    connection: Connection,
    container: CommandEntry,
    parser: RequestParser,
  ): CommandEntry | undefined {
    const { block, origin, spans } = parser;
    const found = container.subcommands?.find(block, spans[2] + origin, spans[3]);
    if (container.lowerName === 'debug') {
      // DEBUG answers to unknown parts itself.
      if (this.#allowsDebug(connection)) return found ?? container;
      this.#refuse(connection, container, errors.debugNotAllowed);
      return undefined;
    }
    if (found === undefined) {
      const text = unknownSubcommand(parser.text(1), container.spec.name);
      this.#refuse(connection, container, text);
    }
    return found;
  }

  #allowsDebug(connection: Connection): boolean {
    const allowed = this.#gateway.configuration.values.enableDebugCommand;
    // Without a password yet there are stronger reasons to refuse.
    if (!connection.isAuthenticated || allowed === 'yes') return true;
    return allowed === 'local' && connection.isLocal;
  }

  /** Why a connection may not send a command, whatever the server does; undefined when it may. */
  #mistakeIn(
    connection: Connection,
    entry: CommandEntry,
    isMiscounted: boolean,
  ): string | undefined {
    if (isMiscounted) return wrongArity(entry.lowerName);
    if (!connection.isAuthenticated && (entry.spec.flags & NO_AUTH) === 0) return errors.noAuth;
    const { pubSub } = this.#gateway;
    const isAllowed = connection.subscriptions === undefined || pubSub.allows(connection, entry);
    return isAllowed ? undefined : notWhileSubscribed(entry.lowerName);
  }

  // The gate

  /** The gate is shut for some: true when the command was refused or put off. */
  #isStopped(connection: Connection, entry: CommandEntry, parser: RequestParser): boolean {
    const refusal = this.#refusalAtGate(connection, entry, parser);
    if (refusal !== undefined) {
      this.#refuse(connection, entry, refusal);
      return true;
    }
    return this.#gate.has(GATE_PAUSED) && this.#gateway.pause.holds(connection, entry, parser);
  }

  #refusalAtGate(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
  ): string | undefined {
    const gate = this.#gate;
    if (gate.has(GATE_LOADING) && (entry.spec.flags & LOADING) === 0) return errors.loading;
    if (gate.has(GATE_MISCONFIGURED) && mayWrite(this.#gateway, connection, entry, parser)) {
      return errors.misconfigured;
    }
    if (gate.has(GATE_BUSY) && this.#isBusyFor(entry, parser)) {
      return busyError(this.#gateway.shards.busyShards.values());
    }
    return undefined;
  }

  /** Would a command have to wait for a shard that is busy with a long script? */
  #isBusyFor(entry: CommandEntry, parser: RequestParser): boolean {
    const { flags, group } = entry.spec;
    if ((flags & ALLOW_BUSY) !== 0) return entry.spec.name === 'EXEC';
    if (entry.handler !== undefined) return group !== 'connection';
    const { placement, shards } = this.#gateway;
    const shard = placement.shardOfCommand(entry, parser);
    return shard < 0 || shards.busyShards.has(shard);
  }

  // Refusing

  #refuseUnknown(connection: Connection, parser: RequestParser): void {
    const args: string[] = [];
    for (let i = 1; i < parser.argc && i < REPEATED_ARGUMENTS_END; i++) args.push(parser.text(i));
    this.#gateway.statistics.rejected(undefined);
    this.#replyRefusal(connection, unknownCommand(parser.text(0), args));
  }

  #refuse(connection: Connection, entry: CommandEntry, text: string): void {
    this.#gateway.statistics.rejected(entry);
    if (entry.spec.name === 'EXEC') refuseExec(this.#gateway, connection, text);
    else this.#replyRefusal(connection, text);
  }

  #replyRefusal(connection: Connection, text: string): void {
    if (connection.transaction !== undefined) connection.transaction.isAborted = true;
    this.#gateway.localReplies.error(connection, text);
  }

  // Handing on

  /** Puts a command off until EXEC. */
  #queue(
    connection: Connection,
    transaction: Transaction,
    entry: CommandEntry,
    parser: RequestParser,
  ): void {
    if ((entry.spec.flags & NO_MULTI) !== 0) {
      this.#refuse(connection, entry, errors.notInTransaction);
      return;
    }
    queueCommand(this.#gateway, connection, transaction, entry, parser);
  }

  /** CLIENT REPLY OFF or SKIP: the command runs, nobody hears of it. */
  #dispatchSilently(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    const mode = connection.replyMode;
    if (entry.handler !== undefined) this.#executor.execute(connection, entry, parser);
    else this.#forwarder.forwardSilently(connection, entry, parser);
    if (mode !== 'skip') return;
    // SKIP is for one command, unless that command was SKIP again.
    if (connection.replyMode === 'skip') connection.replyMode = 'on';
    else if (connection.replyMode === 'skip-next') connection.replyMode = 'skip';
  }
}
