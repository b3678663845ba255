/**
 * What every list command begins with: looking lists up, and making them.
 *
 * Two views are enough: `list` for the one list of a command, `target` for the second of a move.
 * A handler that must remove a key which it emptied relies on the place of the last lookup; where
 * another lookup came in between, it finds the key again (`removeEmptied` of generic.ts).
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { LIST } from '../entry.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';

export const list = new ListValue();
export const target = new ListValue();

/** What lookups return after an error reply; 0 when the key is missing. */
export const WRONG = -1;

function checked(context: CommandContext, reference: number): number {
  if (reference === 0 || context.keyspace.typeOf(reference) === LIST) return reference;
  context.reply.error(errors.wrongType);
  return WRONG;
}

export function lookupRead(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupRead(context.request, i));
}

export function lookupWrite(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupWrite(context.request, i));
}

export function open(context: CommandContext, reference: number): ListValue {
  const { engine, keyspace } = context;
  return list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
}

export function openTarget(context: CommandContext, reference: number): ListValue {
  const { engine, keyspace } = context;
  return target.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
}

/** Adds the key in argument `i` with an empty list. */
export function insertList(context: CommandContext, i: number, view: ListValue): ListValue {
  const { engine, keyspace, request } = context;
  const reference = keyspace.insertArgument(request, i, LIST, LIST_BYTES);
  view.open(keyspace.arena, reference, engine.settings.listMaxListpackSize).initialize();
  return view;
}
