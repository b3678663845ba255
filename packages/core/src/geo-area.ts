/**
 * Which cells of the map a search has to look at, and what is inside of its shape.
 *
 * A search area is covered by the cell of its centre and the eight around it, at a step (size of
 * cells) that is guessed from the radius and made one coarser when the nine turn out to be too
 * small. Neighbours that lie outside of the area's bounding box are left out. Guess, correction and
 * order of the cells are Redis's, because the order of an unsorted reply follows from them.
 *
 *   6 1 5      the order in which cells are searched
 *   4 0 3
 *   8 2 7
 */
import {
  distance,
  EARTH_RADIUS_METRES,
  latitudeDistance,
  toDegrees,
  toRadians,
} from './geo-distance.ts';
import { Cell, STEP_MAX } from './geohash.ts';

/** Half of the equator of the Mercator projection, in metres. */
const MERCATOR_MAX = 20037726.37;
/** Meridians draw near: cells are chosen coarser from here on, and once more. */
const HIGH_LATITUDE = 66;
const POLAR_LATITUDE = 80;

const OFFSETS = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;
const NORTH = 1;
const SOUTH = 2;
const EAST = 3;
const WEST = 4;

/** A circle or a box around a centre; reused. */
export class SearchArea {
  longitude = 0;
  latitude = 0;
  isBox = false;
  /** In units of `unitMetres`. */
  radius = 0;
  width = 0;
  height = 0;
  unitMetres = 1;
  /** Distance in metres of the position that `contains` has found inside. */
  distance = 0;
  /** The cells to be searched, in this order; step 0 for none. */
  readonly cells: readonly Cell[] = OFFSETS.map(() => new Cell());

  #west = 0;
  #east = 0;
  #south = 0;
  #north = 0;

  contains(longitude: number, latitude: number): boolean {
    if (this.isBox && !this.#isInBox(longitude, latitude)) return false;
    this.distance = distance(this.longitude, this.latitude, longitude, latitude);
    // Opposite points may have no distance at all (NaN): these are inside, as in Redis.
    return this.isBox || !(this.distance > this.radius * this.unitMetres);
  }

  /** The width is measured at the position's latitude. */
  #isInBox(longitude: number, latitude: number): boolean {
    if (latitudeDistance(latitude, this.latitude) > (this.height * this.unitMetres) / 2) {
      return false;
    }
    const across = distance(longitude, latitude, this.longitude, latitude);
    return !(across > (this.width * this.unitMetres) / 2);
  }

  /** Fills `cells`. */
  cover(): void {
    this.#bound();
    const { height, isBox, width } = this;
    const radius = isBox
      ? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2))
      : this.radius;
    const step = stepFor(radius * this.unitMetres, this.latitude);
    this.#place(step);
    if (step > 1 && this.#isLargerThanCells()) this.#place(step - 1);
    if (this.cells[0].step >= 2) this.#leaveOut();
  }

  /** The bounding box. Its sides bend: the wider one of top and bottom is away from the pole. */
  #bound(): void {
    const { isBox, latitude, longitude, unitMetres } = this;
    const height = unitMetres * (isBox ? this.height / 2 : this.radius);
    const width = unitMetres * (isBox ? this.width / 2 : this.radius);
    const up = toDegrees(height / EARTH_RADIUS_METRES);
    const edge = latitude < 0 ? latitude - up : latitude + up;
    const aside = toDegrees(width / EARTH_RADIUS_METRES / Math.cos(toRadians(edge)));
    this.#west = longitude - aside;
    this.#east = longitude + aside;
    this.#south = latitude - up;
    this.#north = latitude + up;
  }

  #place(step: number): void {
    const [centre] = this.cells;
    centre.encode(this.longitude, this.latitude, step);
    for (let i = 1; i < OFFSETS.length; i++) {
      this.cells[i].move(centre, OFFSETS[i][0], OFFSETS[i][1]);
    }
  }

  #isLargerThanCells(): boolean {
    const { cells } = this;
    return (
      cells[NORTH].north < this.#north ||
      cells[SOUTH].south > this.#south ||
      cells[EAST].east < this.#east ||
      cells[WEST].west > this.#west
    );
  }

  /** Leaves out the neighbours on the sides where the centre's cell reaches beyond the box. */
  #leaveOut(): void {
    const [centre] = this.cells;
    const { east, north, south, west } = centre;
    for (let i = 1; i < OFFSETS.length; i++) {
      const [dx, dy] = OFFSETS[i];
      const isOutside =
        (dy < 0 && south < this.#south) ||
        (dy > 0 && north > this.#north) ||
        (dx < 0 && west < this.#west) ||
        (dx > 0 && east > this.#east);
      if (isOutside) this.cells[i].set(0, 0, 0);
    }
  }
}

/** Step of the cells for a search of this radius. */
function stepFor(radiusMetres: number, latitude: number): number {
  if (radiusMetres === 0) return STEP_MAX;
  let step = 1;
  for (let covered = radiusMetres; covered < MERCATOR_MAX; covered *= 2) step++;
  // Two less, so that the nine cells include the area in most cases.
  step -= 2;
  const distant = Math.abs(latitude);
  if (distant > HIGH_LATITUDE) step--;
  if (distant > POLAR_LATITUDE) step--;
  return Math.min(Math.max(step, 1), STEP_MAX);
}
