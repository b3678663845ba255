import t from 'tap';
import { SearchArea } from './geo-area.ts';
import { distance } from './geo-distance.ts';
import { Cell, geohashText, scoreOfPosition } from './geohash.ts';
import { RandomSource } from './random-source.ts';

const STEPS = 26;

/** Score as its definition has it: the bits of the two cell numbers one by one. */
function interleaved(x: number, y: number): number {
  let score = 0n;
  for (let bit = 31n; bit >= 0n; bit--) {
    score = (score << 1n) | ((BigInt(x) >> bit) & 1n);
    score = (score << 1n) | ((BigInt(y) >> bit) & 1n);
  }
  return Number(score);
}

t.test('scores against bits one at a time', async (t) => {
  const random = new RandomSource(1);
  const cell = new Cell();
  for (let i = 0; i < 2000; i++) {
    const longitude = (random.unit() * 2 - 1) * 180;
    const latitude = (random.unit() * 2 - 1) * 85;
    const score = scoreOfPosition(longitude, latitude);
    cell.encode(longitude, latitude, STEPS);
    if (score !== interleaved(cell.x, cell.y)) t.equal(score, interleaved(cell.x, cell.y));
    const { x, y } = cell;
    cell.decode(score);
    if (cell.x !== x || cell.y !== y) t.same([cell.x, cell.y], [x, y]);
    if (longitude < cell.west || longitude > cell.east) t.fail(`longitude ${longitude}`);
    if (latitude < cell.south || latitude > cell.north) t.fail(`latitude ${latitude}`);
  }
  t.pass('2,000 positions');
});

t.test('what the documentation of Redis shows', async (t) => {
  const palermo = new Cell().decode(scoreOfPosition(13.361389, 38.115556));
  const catania = new Cell().decode(scoreOfPosition(15.087269, 37.502669));
  t.equal(palermo.score(0), 3479099956230698);
  t.equal(geohashText(palermo.longitude, palermo.latitude), 'sqc8b49rny0');
  t.equal(geohashText(catania.longitude, catania.latitude), 'sqdtr74hyu0');
  const metres = distance(palermo.longitude, palermo.latitude, catania.longitude, catania.latitude);
  t.equal(metres.toFixed(4), '166274.1516');
});

t.test('scores that are no positions', async (t) => {
  const positionOf = (score: number): number[] => {
    const { latitude, longitude } = new Cell().decode(score);
    return [longitude, latitude];
  };
  t.same(positionOf(Infinity), positionOf(0));
  t.same(positionOf(-Infinity), positionOf(2 ** 63));
  t.same(positionOf(-5.9), positionOf(-5));
  t.same(positionOf(1e300), positionOf(0));
  t.equal(positionOf(2 ** 53 + 2 ** 52)[0], 180, 'the eastern edge is in no cell');
  t.equal(scoreOfPosition(180, 85.05112878), 2 ** 53 + 2 ** 52);
});

t.test('neighbours go around the edges', async (t) => {
  const from = new Cell().set(0, 3, 2);
  t.match(new Cell().move(from, -1, 1), { x: 3, y: 0, step: 2 });
  t.match(new Cell().move(from, 0, -1), { x: 0, y: 2, step: 2 });
  const edge = new Cell().set(4, 0, 2);
  t.match(new Cell().move(edge, 0, 1), { x: 4, y: 1 }, 'the edge itself stays');
  t.match(new Cell().move(edge, 1, 0), { x: 1, y: 0 });
});

t.test('the cells of an area have all that it contains', async (t) => {
  const random = new RandomSource(2);
  const area = new SearchArea();
  const cell = new Cell();
  let inside = 0;
  for (let i = 0; i < 3000; i++) {
    area.longitude = (random.unit() * 2 - 1) * 150;
    area.latitude = (random.unit() * 2 - 1) * 60;
    area.isBox = random.below(2) === 0;
    area.unitMetres = 1000;
    area.radius = 10 ** (random.unit() * 5 - 2);
    area.width = area.radius;
    area.height = area.radius * random.unit();
    area.cover();
    const degrees = area.radius / 60;
    const longitude = area.longitude + (random.unit() * 2 - 1) * degrees;
    const latitude = area.latitude + (random.unit() * 2 - 1) * degrees;
    if (Math.abs(longitude) > 180 || Math.abs(latitude) > 85) continue;
    const score = scoreOfPosition(longitude, latitude);
    cell.decode(score);
    if (!area.contains(cell.longitude, cell.latitude)) continue;
    inside++;
    const isCovered = area.cells.some(
      (each) => each.step > 0 && each.score(0) <= score && score < each.score(1),
    );
    if (!isCovered) t.fail(`${longitude} ${latitude} around ${area.longitude} ${area.latitude}`);
  }
  t.ok(inside > 300, `${inside} positions`);
});
