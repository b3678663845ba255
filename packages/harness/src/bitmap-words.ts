/** What random programs say to the bitmap commands; see vocabulary.ts. */

import type { SeededRandom } from './seeded-random.ts';

const FIELD_TYPES = [
  'u1',
  'i1',
  'u8',
  'i8',
  'u4',
  'i5',
  'u16',
  'i32',
  'u33',
  'i46',
  'u47',
  'i64',
  'u63',
];
const ODD_FIELD_TYPES = ['u64', 'i65', 'i0', 'x8', 'i', '', 'I8', 'u-1', 'u08', 'i8\x00x'];
const FIELD_VALUES = [
  '0',
  '1',
  '-1',
  '7',
  '100',
  '127',
  '128',
  '-128',
  '-129',
  '255',
  '256',
  '65535',
];
const WIDE_FIELD_VALUES = [
  '9223372036854775807',
  '-9223372036854775808',
  '-9223372036854775600',
  '4294967296',
  '-4294967297',
  '999999999999999',
  '70368744177664',
  '1234567890123456789',
  '9223372036854775808',
  '',
  'x',
];

/** Offsets stay small: a string is as long as the last bit that is set. */
export function bitmapWord(name: string, random: SeededRandom): string | undefined {
  switch (name) {
    case 'encoding':
      return random.pick(random.oneIn(25) ? ODD_FIELD_TYPES : FIELD_TYPES);
    case 'offset':
      if (random.oneIn(30)) return random.pick(['-1', '4294967296', 'x', '', '#', '01', '1.5']);
      return random.oneIn(4) ? `#${random.below(9)}` : String(random.below(200));
    case 'value':
      if (random.oneIn(2)) return random.pick(['0', '1']);
      return random.pick(random.oneIn(3) ? WIDE_FIELD_VALUES : FIELD_VALUES);
    case 'increment':
      return random.pick(random.oneIn(4) ? WIDE_FIELD_VALUES : FIELD_VALUES);
    case 'bit':
      return random.oneIn(20) ? undefined : random.pick(['0', '1']);
    case 'start':
    case 'end':
      return random.oneIn(4) ? undefined : String(random.below(60) - 20);
    default:
      return undefined;
  }
}
