/** What clients are told while scripts or functions take longer than busy-reply-threshold. */
import { errors, functionErrors } from '@hashlane/resp';
import type { BusyScript } from './messages.ts';

/** The reply to a command that would have to wait. */
export function busyError(busy: Iterable<BusyScript>): string {
  for (const script of busy) if (script.function === undefined) return errors.scriptBusy;
  return functionErrors.busy;
}
