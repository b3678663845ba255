/** Cases in a cell as a test: one assertion for each case, with the error of one that fails. */
import type { Test } from 'tap';
import { type Cell, cellName, type QueueCase } from './queue-case.ts';
import { runCell } from './queue-runner.ts';

export function testCell(t: Test, cell: Cell, cases: readonly QueueCase[]): void {
  void t.test(cellName(cell), async (t) => {
    const results = await runCell(cell, cases);
    t.equal(results.length, cases.length);
    for (const { name, error } of results) {
      if (error === undefined) t.pass(name);
      else t.fail(name, { found: error.message, errors: nested(error), stack: error.stack });
    }
  });
}

function nested(error: Error): string[] {
  return error instanceof AggregateError ? error.errors.map(String) : [];
}
