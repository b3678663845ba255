/** What random programs say to the geo commands; see vocabulary.ts. */

import type { SeededRandom } from './seeded-random.ts';

const LONGITUDES = ['0', '180', '-180', '179.999', '-179.9', '90', '0.00001', '-0.5', '2.349014'];
const LATITUDES = ['0', '85.05112878', '-85.05112878', '85', '-84.9', '66.1', '80.5', '48.864716'];
const ODD_COORDINATES = ['181', '-180.0001', '86', '-90', 'nan', 'inf', '1e30', 'x', '', '0x10'];
const DISTANCES = ['0', '1', '10', '100', '1000', '5000', '20000', '0.5', '111.32', '1e5', '1e7'];
const ODD_DISTANCES = ['-1', 'inf', 'nan', 'x', '', '1e300', '-0'];
const COUNTS = ['1', '2', '3', '5', '10', '100'];
const ODD_COUNTS = ['0', '-1', 'x', '', '9223372036854775807', '9223372036854775808'];

/** Positions near each other as often as far away; members that the indexes have in common. */
export function geoWord(name: string, random: SeededRandom): string | undefined {
  if (name === 'longitude') return coordinate(random, LONGITUDES, 180);
  if (name === 'latitude') return coordinate(random, LATITUDES, 85);
  if (/^(radius|width|height)$/.test(name)) {
    return random.pick(random.oneIn(30) ? ODD_DISTANCES : DISTANCES);
  }
  if (/^member\d?$/.test(name)) return `m${random.below(30)}`;
  if (name === 'count') return random.pick(random.oneIn(12) ? ODD_COUNTS : COUNTS);
  return undefined;
}

function coordinate(random: SeededRandom, chosen: readonly string[], bound: number): string {
  if (random.oneIn(40)) return random.pick(ODD_COORDINATES);
  if (random.oneIn(6)) return random.pick(chosen);
  const share = random.below(2_000_001) / 1_000_000 - 1;
  const size = random.pick([bound, bound, 1, 0.01]);
  return (share * size).toFixed(random.below(10));
}
