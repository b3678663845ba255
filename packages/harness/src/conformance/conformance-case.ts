/**
 * A conformance case: a small program whose replies redis-server decides. `cases` reads a table of
 * text, one program per heading:
 *
 *   # SET with options
 *   SET k v NX
 *   GET k
 *
 * Each program starts on an empty server in database 0. Lines are in the notation of
 * command-text.ts. Every command runs alone, and again with all the program in one pipeline.
 */

import { wordsOf } from '../command-text.ts';

export interface ConformanceCase {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
}

export function cases(table: string): ConformanceCase[] {
  return table
    .split(/^\s*# /m)
    .slice(1)
    .map((block) => {
      const [name = '', ...lines] = block.split('\n').map((line) => line.trim());
      return { name, commands: lines.filter((line) => line !== '').map(wordsOf) };
    });
}
