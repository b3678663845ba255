/**
 * Pages that arenas of this thread have given back and will ask for again: when the last key of a
 * page goes and the next one comes, when FLUSHALL empties a database that is filled anew.
 *
 * V8 counts the memory of pages, and looks through its whole heap each time so much of it was newly
 * made: without the spare ones that was a tenth of the time of a queue that is emptied every second.
 * Their number is bounded, and MEMORY PURGE lets go of them.
 */
import type { Block } from '@hashlane/resp';
import { ARENA_PAGE_BYTES, SPARE_PAGES_MAX } from './limits.ts';

const pages: Block[] = [];

/** A page of undefined content, or undefined when there is none to spare. */
export function takeSparePage(): Block | undefined {
  return pages.pop();
}

/** Takes a page that nobody uses any more. Blocks of another size are left to the garbage collector. */
export function giveSparePage(page: Block): void {
  if (page.size === ARENA_PAGE_BYTES && pages.length < SPARE_PAGES_MAX) pages.push(page);
}

export function releaseSparePages(): void {
  pages.length = 0;
}
