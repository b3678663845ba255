/** How a list of very many nodes is freed a few nodes at a time; see lazy-free.ts. */
import type { Block } from '@hashlane/resp';
import type { Arena } from './arena.ts';
import { LIST } from './entry.ts';
import { VALUE_SLICERS } from './keyspace.ts';
import { ListValue } from './list-value.ts';

/** Trimming whole nodes does not depend on list-max-listpack-size. */
const ANY_FILL = -2;

const list = new ListValue();

function parts(arena: Arena, block: Block, valueAt: number): number {
  return list.openAt(arena, block, valueAt, ANY_FILL).nodes;
}

function freeParts(arena: Arena, block: Block, valueAt: number, count: number): void {
  list.openAt(arena, block, valueAt, ANY_FILL);
  let elements = 0;
  let nodes = 0;
  for (let node = list.firstNode(); node !== 0 && nodes < count; node = list.nextNode(node)) {
    elements += list.nodeCount(node);
    nodes++;
  }
  list.trim(elements, list.length - elements);
}

VALUE_SLICERS[LIST] = { parts, freeParts };
