/**
 * What random programs say to SORT, RESTORE and OBJECT; see vocabulary.ts.
 *
 * The bytes of a dump are a server's own, and differ between versions. So a program does not hold
 * any: a RESTORE names the key whose value it takes, and each server restores what it has dumped
 * itself (`payloadSource`).
 */

import type { SeededRandom } from './seeded-random.ts';

const PATTERNS = [
  's*',
  'h1->*',
  'h*->a',
  'h*->1',
  '*',
  'none*',
  'l*',
  '#',
  '',
  's1',
  '*->a',
  'h*->',
];
/** None, or one that no test lives to see; the third is past as a moment. */
const TTLS = ['0', '0', '500000000', '33000000000000'];
const ODD_TTLS = ['-1', 'x', '', '1.5'];
/** Keys that hold what can be sorted. */
const SORTED = ['l1', 'l2', 'l3', 'e1', 'e2', 'e3', 'z1', 'z2', 'g1'];
const PAYLOAD_OF = 'payload of ';
const SOURCES = [
  's1',
  's2',
  'l1',
  'l2',
  'h1',
  'h2',
  'e1',
  'e2',
  'z1',
  'z2',
  'x1',
  'g1',
  'p1',
  'b1',
];

export function genericWord(name: string, random: SeededRandom): string | undefined {
  if (name === 'by-pattern') return random.oneIn(3) ? 'nosort' : random.pick(PATTERNS);
  if (name === 'get-pattern') return random.oneIn(3) ? '#' : random.pick(PATTERNS);
  if (name === 'ttl') return random.pick(random.oneIn(8) ? ODD_TTLS : TTLS);
  return undefined;
}

/**
 * Elements of equal weight are in any order under BY … ALPHA, and what STORE keeps of them must not
 * be: it goes without ALPHA.
 */
export function fitGenericCommand(words: readonly string[], random: SeededRandom): string[] {
  const [name = ''] = words;
  if (name === 'RESTORE' && words.length > 3 && !random.oneIn(15)) {
    return words.map((word, i) => (i === 3 ? PAYLOAD_OF + random.pick(SOURCES) : word));
  }
  if (!name.startsWith('SORT') || words.length < 2) return [...words];
  const sorted = words.map((word, i) => (i === 1 && !random.oneIn(6) ? random.pick(SORTED) : word));
  const options = words.map((word) => word.toUpperCase());
  const isOpen = options.includes('STORE') && options.includes('BY');
  if (isOpen) return sorted.filter((_, i) => options[i] !== 'ALPHA');
  return random.oneIn(2) ? sorted : [...sorted, 'ALPHA'];
}

/** The key whose dump is the payload of a RESTORE, or undefined. */
export function payloadSource(words: readonly string[]): string | undefined {
  const [name = '', , , payload = ''] = words;
  if (name.toUpperCase() !== 'RESTORE' || !payload.startsWith(PAYLOAD_OF)) return undefined;
  return payload.slice(PAYLOAD_OF.length);
}

/**
 * Commands before SORT, of which redis-server 7.0 finds no number sound while its errno says
 * ERANGE: a number that is read well resets it.
 */
export function preparingCommands(words: readonly string[]): string[][] {
  return /^SORT/i.test(words[0] ?? '') ? [['ZADD', 'no such key', 'XX', '1.5', 'm']] : [];
}

/** Commands after SORT, which leaves a sorted set in another form in Redis: it is made anew. */
export function settleSorted(words: readonly string[]): string[][] {
  const [, key] = words;
  return key === undefined ? [] : [['ZRANGESTORE', key, key, '0', '-1']];
}

/**
 * Commands whose replies are part of a command's reply in comparisons: what may differ in OBJECT
 * ENCODING depends on the type.
 */
export function witnessCommands(words: readonly string[]): string[][] {
  const isEncoding = /^OBJECT ENCODING$/i.test(words.slice(0, 2).join(' '));
  return isEncoding && words.length === 3 ? [['TYPE', words[2]!]] : [];
}
