/**
 * Patterns of SORT's BY and GET: what they name for an element.
 *
 *   #                     the element itself
 *   weight_*              the string at this key, the element in place of the first `*`
 *   object_*->field       a field of the hash at this key
 *   anything without `*`  nothing
 *
 * As in Redis the text is searched up to its first NUL byte, and `->` without a field behind it is
 * part of the key.
 */

/** What a pattern names for an element: a string's key, or a hash's with one of its fields. */
export interface NamedValue {
  readonly key: Buffer;
  /** Empty when the key is that of a string; a field's name never is. */
  readonly field: Buffer;
}

const STAR = 42;
const HASH_SIGN = 35;
const NO_FIELD = Buffer.alloc(0);

export class SortPattern {
  readonly isElement: boolean;
  /** Names something that depends on the element. */
  readonly hasStar: boolean;
  readonly #before: Buffer;
  readonly #after: Buffer;
  readonly #field: Buffer;

  constructor(text: Buffer) {
    const nul = text.indexOf(0);
    const searched = nul < 0 ? text : text.subarray(0, nul);
    const star = searched.indexOf(STAR);
    this.isElement = searched.length === 1 && searched[0] === HASH_SIGN;
    this.hasStar = star >= 0;
    const arrow = star < 0 ? -1 : searched.indexOf('->', star + 1, 'latin1');
    const hasField = arrow >= 0 && arrow + 2 < searched.length;
    this.#before = text.subarray(0, Math.max(0, star));
    this.#after = text.subarray(star + 1, hasField ? arrow : text.length);
    this.#field = hasField ? text.subarray(arrow + 2) : NO_FIELD;
  }

  /** What the pattern, which must have a star, names for an element. */
  valueFor(element: Buffer): NamedValue {
    return { key: Buffer.concat([this.#before, element, this.#after]), field: this.#field };
  }
}
