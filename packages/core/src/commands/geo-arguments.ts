/**
 * What the geo commands share: positions and units out of arguments, positions and distances in
 * replies.
 */
import { errors, invalidPosition, type ReplyWriter } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { Cell, LATITUDE_MAX, LONGITUDE_MAX } from '../geohash.ts';
import { formatFixed } from '../number-text.ts';
import { scoreArgument } from './sorted-set-arguments.ts';

/** The position that `readPosition` read last. */
export const position = { longitude: 0, latitude: 0 };

/** Longitude and latitude in two arguments from `i` on; false with an error replied. */
export function readPosition(context: CommandContext, i: number): boolean {
  const longitude = scoreArgument(context, i, errors.notFloat);
  if (Number.isNaN(longitude)) return false;
  const latitude = scoreArgument(context, i + 1, errors.notFloat);
  if (Number.isNaN(latitude)) return false;
  position.longitude = longitude;
  position.latitude = latitude;
  if (Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX) return true;
  context.reply.error(invalidPosition(formatFixed(longitude, 6), formatFixed(latitude, 6)));
  return false;
}

/** Metres of the unit in argument `i`, or NaN with an error replied. */
export function readUnit({ reply, request }: CommandContext, i: number): number {
  if (request.is(i, 'M')) return 1;
  if (request.is(i, 'KM')) return 1000;
  if (request.is(i, 'FT')) return 0.3048;
  if (request.is(i, 'MI')) return 1609.34;
  reply.error(errors.geoUnit);
  return Number.NaN;
}

const DISTANCE_SCALE = 10_000;
const cell = new Cell();

/** Replies a distance with four digits behind the point, a bulk string in RESP3, too. */
export function replyDistance(reply: ReplyWriter, value: number): void {
  const scaled = value * DISTANCE_SCALE;
  if (Number.isNaN(value)) reply.text('nan');
  else if (scaled > Number.MAX_SAFE_INTEGER) reply.text(formatFixed(value, 4));
  else {
    // The scaled number is rounded, half to even, as Redis does since 7.2.
    const digits = String(roundHalfEven(scaled)).padStart(5, '0');
    reply.text(`${digits.slice(0, -4)}.${digits.slice(-4)}`);
  }
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Replies the position that a score stands for: two doubles, all their digits. */
export function replyPosition(reply: ReplyWriter, score: number): void {
  cell.decode(score);
  reply.array(2);
  reply.double(coordinateText(cell.longitude));
  reply.double(coordinateText(cell.latitude));
}

/** As `%.17Lf` without trailing zeros. */
function coordinateText(value: number): string {
  const text = formatFixed(value, 17).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}
