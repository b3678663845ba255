/**
 * Distances on the sphere that Redis takes the earth for, in metres.
 */

/** Mean radius of the earth (quadratic, WGS 84). */
export const EARTH_RADIUS_METRES = 6372797.560856;
const RADIANS_PER_DEGREE = Math.PI / 180;

export function toRadians(degrees: number): number {
  return degrees * RADIANS_PER_DEGREE;
}

export function toDegrees(radians: number): number {
  return radians / RADIANS_PER_DEGREE;
}

/** Great-circle distance by the haversine formula. */
export function distance(
  longitude1: number,
  latitude1: number,
  longitude2: number,
  latitude2: number,
): number {
  const v = Math.sin((toRadians(longitude2) - toRadians(longitude1)) / 2);
  if (v === 0) return latitudeDistance(latitude1, latitude2);
  const lat1 = toRadians(latitude1);
  const lat2 = toRadians(latitude2);
  const u = Math.sin((lat2 - lat1) / 2);
  const a = u * u + Math.cos(lat1) * Math.cos(lat2) * v * v;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.sqrt(a));
}

/** Distance along a meridian. */
export function latitudeDistance(latitude1: number, latitude2: number): number {
  return EARTH_RADIUS_METRES * Math.abs(toRadians(latitude2) - toRadians(latitude1));
}
