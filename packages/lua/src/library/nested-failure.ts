/**
 * Errors from deep within a recursion of JavaScript. The line of the script is found on the stack,
 * which is looked at only so far down; so the message is carried up to where the recursion began.
 */
import { luaError } from '../errors.ts';

/** Within `failingHere` an error of the script with this message. */
export class NestedFailure extends Error {}

export function failingHere<Result>(recursion: () => Result): Result {
  try {
    return recursion();
  } catch (error) {
    if (error instanceof NestedFailure) throw luaError(error.message);
    throw error;
  }
}
