/**
 * Searches in geospatial indexes: GEOSEARCH and GEOSEARCHSTORE, and the older GEORADIUS family.
 *
 * All are one command with other ways to say it. Arguments are checked in Redis 7.2's order; then
 * the cells that cover the area (../geo-area.ts) are looked up as ranges of scores, one after the
 * other, and what lies inside of the area is noted down as (rank, score, distance). Members are
 * fetched by their rank when they are replied or stored. The order of a reply without ASC or DESC is
 * that of the cells and of the scores in them; equal distances are in the order that Redis's sorting
 * leaves them in (../partial-sort.ts).
 *
 * Costs: O(log n) for each cell, O(1) for each member in the cells; sorting the k wanted of m found
 * O(m + k log k). The notes are in arrays that are reused, and given up when they became large.
 */
import { Block, errors, noSearchCentre, noSearchShape } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { valueOffset, ZSET } from '../entry.ts';
import { SearchArea } from '../geo-area.ts';
import { Cell } from '../geohash.ts';
import { INT64_MIN } from '../number-text.ts';
import { compareKeys, PartialSorter } from '../partial-sort.ts';
import { ZSET_BYTES, ZsetValue } from '../zset-value.ts';
import { integerArgument } from './arguments.ts';
import {
  type CommandSpec,
  DENYOOM,
  keys,
  MOVABLE_KEYS,
  READONLY,
  storeKey,
  WRITE,
} from './command-spec.ts';
import { removeArgument } from './generic.ts';
import { position, readPosition, readUnit, replyDistance, replyPosition } from './geo-arguments.ts';
import { lookupRead, open, scoreArgument, WRONG } from './sorted-set-arguments.ts';

const zset = new ZsetValue();
const result = new ZsetValue();
const resultDescriptor = Block.allocate(ZSET_BYTES);
const area = new SearchArea();
const cell = new Cell();
const sorter = new PartialSorter();

// What was found

/** Members found beyond this number take arrays that are not kept. */
const FOUND_KEPT = 4096;

/** Members inside of the area, in the order in which they were found; `order` is that of replies. */
class Findings {
  count = 0;
  ranks = new Int32Array(FOUND_KEPT);
  scores = new Float64Array(FOUND_KEPT);
  distances = new Float64Array(FOUND_KEPT);
  order = new Int32Array(FOUND_KEPT);

  add(rank: number, score: number, distance: number): void {
    if (this.count === this.ranks.length) this.#resize(2 * this.count);
    this.ranks[this.count] = rank;
    this.scores[this.count] = score;
    this.distances[this.count] = distance;
    this.order[this.count] = this.count;
    this.count++;
  }

  clear(): void {
    this.count = 0;
    if (this.ranks.length > FOUND_KEPT) this.#resize(FOUND_KEPT);
  }

  #resize(length: number): void {
    const { count, distances, order, ranks, scores } = this;
    this.ranks = new Int32Array(length);
    this.scores = new Float64Array(length);
    this.distances = new Float64Array(length);
    this.order = new Int32Array(length);
    this.ranks.set(ranks.subarray(0, count));
    this.scores.set(scores.subarray(0, count));
    this.distances.set(distances.subarray(0, count));
    this.order.set(order.subarray(0, count));
  }

  /** Brings the `wanted` nearest (`sign` 1) or farthest (−1) to the front of `order`. */
  sort(wanted: number, sign: 1 | -1): void {
    const { count, distances, order } = this;
    if (wanted < count) sorter.sort(order, distances, count, wanted, sign);
    else order.subarray(0, count).sort((a, b) => compareKeys(distances[a], distances[b]) * sign);
  }
}

const findings = new Findings();

// Arguments

const UNSORTED = 0;
const ASCENDING = 1;
const DESCENDING = -1;

/** How a command says what it wants. */
interface Form {
  /** Argument of the key that is searched. */
  readonly source: number;
  /** Argument at which the options begin. */
  readonly from: number;
  /** Arguments before the options: a position, a member, or nothing (GEOSEARCH). */
  readonly centre: 'position' | 'member' | 'options';
  /** STORE and STOREDIST name a key; STOREDIST stands alone; neither is known. */
  readonly stores: 'named' | 'first' | 'never';
  /** For errors. Redis repeats the client's spelling, which does not travel to a shard. */
  readonly name: string;
}

/** Options of the command that runs. */
const options = {
  withDistance: false,
  withHash: false,
  withPosition: false,
  order: UNSORTED as typeof UNSORTED | typeof ASCENDING | typeof DESCENDING,
  count: 0,
  any: false,
  /** Argument of the key that takes the result, or 0. */
  destination: 0,
  storesDistance: false,
  hasMember: false,
  hasPosition: false,
  hasRadius: false,
  hasBox: false,
};

function clearOptions(destination: number): void {
  options.withDistance = false;
  options.withHash = false;
  options.withPosition = false;
  options.order = UNSORTED;
  options.count = 0;
  options.any = false;
  options.destination = destination;
  options.storesDistance = false;
  options.hasMember = false;
  options.hasPosition = false;
  options.hasRadius = false;
  options.hasBox = false;
}

/** Centre of the area from two arguments; false with an error replied. */
function readCentre(context: CommandContext, i: number): boolean {
  if (!readPosition(context, i)) return false;
  area.longitude = position.longitude;
  area.latitude = position.latitude;
  return true;
}

/** Centre of the area from a member of the open set; false with an error replied. */
function readMember({ reply, request }: CommandContext, i: number): boolean {
  const score = zset.scoreOf(request.block, request.offset(i), request.length(i));
  if (Number.isNaN(score)) {
    reply.error(errors.geoNoMember);
    return false;
  }
  cell.decode(score);
  area.longitude = cell.longitude;
  area.latitude = cell.latitude;
  return true;
}

/** A circle out of a radius and a unit; false with an error replied. */
function readRadius(context: CommandContext, i: number): boolean {
  const radius = scoreArgument(context, i, errors.geoRadiusNotNumeric);
  if (Number.isNaN(radius)) return false;
  if (radius < 0) {
    context.reply.error(errors.geoRadiusNegative);
    return false;
  }
  area.isBox = false;
  area.radius = radius;
  return readAreaUnit(context, i + 1);
}

/** A box out of width, height and a unit; false with an error replied. */
function readBox(context: CommandContext, i: number): boolean {
  const width = scoreArgument(context, i, errors.geoWidthNotNumeric);
  if (Number.isNaN(width)) return false;
  const height = scoreArgument(context, i + 1, errors.geoHeightNotNumeric);
  if (Number.isNaN(height)) return false;
  if (height < 0 || width < 0) {
    context.reply.error(errors.geoBoxNegative);
    return false;
  }
  area.isBox = true;
  area.width = width;
  area.height = height;
  return readAreaUnit(context, i + 2);
}

function readAreaUnit(context: CommandContext, i: number): boolean {
  const metres = readUnit(context, i);
  if (Number.isNaN(metres)) return false;
  area.unitMetres = metres;
  return true;
}

/** What stands before the options; false with an error replied. */
function readLeading(context: CommandContext, form: Form, reference: number): boolean {
  if (form.centre === 'position') return readCentre(context, 2) && readRadius(context, 4);
  // Without the key there is no member, and Redis does not look at the radius either.
  if (form.centre === 'options' || reference === 0) return true;
  return readMember(context, 2) && readRadius(context, 3);
}

/** Arguments that an option took, or one of these. */
const NOT_KNOWN = -1;
const FAILED = -2;

/** Reads all options; false with an error replied. */
function readOptions(context: CommandContext, form: Form, reference: number): boolean {
  const { reply, request } = context;
  clearOptions(form.stores === 'first' ? 1 : 0);
  for (let i = form.from; i < request.argc; i++) {
    let taken = readCommon(context, i);
    if (taken === NOT_KNOWN) taken = readDestination(context, form, i);
    if (taken === NOT_KNOWN && form.centre === 'options') {
      taken = readShape(context, reference, i);
    }
    if (taken === NOT_KNOWN) reply.error(errors.syntax);
    if (taken < 0) return false;
    i += taken;
  }
  return true;
}

/** Options of all forms. */
function readCommon(context: CommandContext, i: number): number {
  const { request } = context;
  if (request.is(i, 'WITHDIST')) options.withDistance = true;
  else if (request.is(i, 'WITHHASH')) options.withHash = true;
  else if (request.is(i, 'WITHCOORD')) options.withPosition = true;
  else if (request.is(i, 'ANY')) options.any = true;
  else if (request.is(i, 'ASC')) options.order = ASCENDING;
  else if (request.is(i, 'DESC')) options.order = DESCENDING;
  else if (request.is(i, 'COUNT') && i + 1 < request.argc) return readCount(context, i + 1);
  else return NOT_KNOWN;
  return 0;
}

function readCount(context: CommandContext, i: number): number {
  options.count = integerArgument(context, i, errors.notInteger);
  if (Number.isNaN(options.count)) return FAILED;
  if (options.count > 0) return 1;
  context.reply.error(errors.geoCountNotPositive);
  return FAILED;
}

function readDestination({ request }: CommandContext, form: Form, i: number): number {
  const isDistance = request.is(i, 'STOREDIST');
  if (form.stores === 'first' && isDistance) {
    options.storesDistance = true;
    return 0;
  }
  if (form.stores !== 'named' || i + 1 === request.argc) return NOT_KNOWN;
  if (!isDistance && !request.is(i, 'STORE')) return NOT_KNOWN;
  options.destination = i + 1;
  options.storesDistance = isDistance;
  return 1;
}

/** Centre and shape as options of GEOSEARCH. */
function readShape(context: CommandContext, reference: number, i: number): number {
  const { request } = context;
  const left = request.argc - i - 1;
  if (left >= 1 && !options.hasPosition && request.is(i, 'FROMMEMBER')) {
    options.hasMember = true;
    return reference === 0 || readMember(context, i + 1) ? 1 : FAILED;
  }
  if (left >= 2 && !options.hasMember && request.is(i, 'FROMLONLAT')) {
    options.hasPosition = true;
    return readCentre(context, i + 1) ? 2 : FAILED;
  }
  if (left >= 2 && !options.hasBox && request.is(i, 'BYRADIUS')) {
    options.hasRadius = true;
    return readRadius(context, i + 1) ? 2 : FAILED;
  }
  if (left >= 3 && !options.hasRadius && request.is(i, 'BYBOX')) {
    options.hasBox = true;
    return readBox(context, i + 1) ? 3 : FAILED;
  }
  return NOT_KNOWN;
}

/** Text of the error that the options make together, or undefined. */
function conflictOf(form: Form): string | undefined {
  const isSearch = form.centre === 'options';
  const showsMore = options.withDistance || options.withHash || options.withPosition;
  if (options.destination !== 0 && showsMore) {
    return isSearch ? errors.geoSearchStore : errors.geoRadiusStore;
  }
  if (isSearch && !options.hasMember && !options.hasPosition) return noSearchCentre(form.name);
  if (isSearch && !options.hasRadius && !options.hasBox) return noSearchShape(form.name);
  return options.any && options.count === 0 ? errors.geoAnyWithoutCount : undefined;
}

// Searching

function search(context: CommandContext, form: Form): void {
  const { reply } = context;
  const reference = lookupRead(context, form.source);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, zset, reference);
  if (!readLeading(context, form, reference)) return;
  if (!readOptions(context, form, reference)) return;
  const conflict = conflictOf(form);
  if (conflict !== undefined) {
    reply.error(conflict);
    return;
  }
  if (reference !== 0) findAll();
  const { count } = options;
  const wanted = count === 0 ? findings.count : Math.min(count, findings.count);
  if (options.order !== UNSORTED) findings.sort(wanted, options.order);
  // Without ANY, COUNT means the nearest.
  else if (count !== 0 && !options.any) findings.sort(wanted, ASCENDING);
  if (options.destination === 0) replyFindings(context, wanted);
  else storeFindings(context, wanted);
  findings.clear();
}

/** Notes down what is inside of the area; with ANY no more than wanted. */
function findAll(): void {
  const limit = options.any ? options.count : Infinity;
  const { cells } = area;
  area.cover();
  let last = 0;
  for (let i = 0; i < cells.length && findings.count < limit; i++) {
    if (cells[i].step === 0) continue;
    // Where cells are very large, neighbours on both sides may be the same one.
    if (last > 0 && cells[i].equals(cells[last])) continue;
    findInCell(cells[i], limit);
    last = i;
  }
}

function findInCell(searched: Cell, limit: number): void {
  const inside = zset.spanByScore(searched.score(0), false, searched.score(1), true);
  if (inside === 0) return;
  const { from, to } = zset;
  zset.seek(from);
  for (let rank = from; ; rank++) {
    const { score } = zset;
    cell.decode(score);
    if (area.contains(cell.longitude, cell.latitude)) findings.add(rank, score, area.distance);
    if (rank + 1 === to || findings.count >= limit) return;
    zset.stepForward();
  }
}

function replyFindings({ reply }: CommandContext, wanted: number): void {
  const { withDistance, withHash, withPosition } = options;
  const extras = (withDistance ? 1 : 0) + (withHash ? 1 : 0) + (withPosition ? 1 : 0);
  reply.array(wanted);
  for (let i = 0; i < wanted; i++) {
    const found = findings.order[i];
    const score = findings.scores[found];
    if (extras > 0) reply.array(extras + 1);
    zset.seek(findings.ranks[found]);
    zset.replyMember(reply);
    if (withDistance) replyDistance(reply, findings.distances[found] / area.unitMetres);
    if (withHash) replyHash(reply, score);
    if (withPosition) replyPosition(reply, score);
  }
}

/** A score as a 64-bit integer; what does not fit is the lowest. */
function replyHash(reply: CommandContext['reply'], score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.integer(whole);
  else if (whole >= -(2 ** 63) && whole < 2 ** 63) reply.bigInteger(BigInt(whole));
  else reply.bigInteger(INT64_MIN);
}

/** The findings become the value of the destination, which may be the key that was searched. */
function storeFindings(context: CommandContext, wanted: number): void {
  const { engine, keyspace, reply, request } = context;
  const { destination, storesDistance } = options;
  if (wanted > 0) {
    result.createAt(keyspace.arena, resultDescriptor, 0, engine.settings);
    for (let i = 0; i < wanted; i++) {
      const found = findings.order[i];
      zset.seek(findings.ranks[found]);
      zset.locateMember();
      const score = storesDistance
        ? findings.distances[found] / area.unitMetres
        : findings.scores[found];
      result.addAbsent(score, zset.memberBlock, zset.memberOffset, zset.memberLength);
    }
  }
  const wasThere = removeArgument(keyspace, request, destination);
  if (wanted > 0) {
    const reference = keyspace.insertArgument(request, destination, ZSET, ZSET_BYTES);
    const page = keyspace.arena.pages[pageOf(reference)];
    const at = valueOffset(page, offsetOf(reference));
    resultDescriptor.bytes.copy(page.bytes, at, 0, ZSET_BYTES);
  }
  const changes = wanted > 0 ? wanted : Number(wasThere);
  if (changes > 0) context.changed(changes);
  reply.integer(wanted);
}

// Commands

const BY_POSITION = { source: 1, from: 6, centre: 'position', name: 'GEORADIUS' } as const;
const BY_MEMBER = { source: 1, from: 5, centre: 'member', name: 'GEORADIUSBYMEMBER' } as const;

const RADIUS: Form = { ...BY_POSITION, stores: 'named' };
const RADIUS_READ_ONLY: Form = { ...BY_POSITION, stores: 'never' };
const MEMBER: Form = { ...BY_MEMBER, stores: 'named' };
const MEMBER_READ_ONLY: Form = { ...BY_MEMBER, stores: 'never' };
const SEARCH: Form = { source: 1, from: 2, centre: 'options', stores: 'never', name: 'GEOSEARCH' };
const SEARCH_STORE: Form = {
  source: 2,
  from: 3,
  centre: 'options',
  stores: 'first',
  name: 'GEOSEARCHSTORE',
};

function georadius(context: CommandContext): void {
  search(context, RADIUS);
}

function georadiusReadOnly(context: CommandContext): void {
  search(context, RADIUS_READ_ONLY);
}

function georadiusbymember(context: CommandContext): void {
  search(context, MEMBER);
}

function georadiusbymemberReadOnly(context: CommandContext): void {
  search(context, MEMBER_READ_ONLY);
}

function geosearch(context: CommandContext): void {
  search(context, SEARCH);
}

function geosearchstore(context: CommandContext): void {
  search(context, SEARCH_STORE);
}

const O_RADIUS =
  'O(N+log(M)) where N is the number of elements inside the bounding box of the circular area ' +
  'delimited by center and radius and M is the number of items inside the index.';
const O_SEARCH =
  'O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the ' +
  'shape provided as the filter and M is the number of items inside the shape';
const UNIT = '<M | KM | FT | MI>';
const WITH = '[WITHCOORD] [WITHDIST] [WITHHASH]';
const COUNT = '[COUNT count [ANY]]';
const ORDER = '[ASC | DESC]';
const CENTRE = '<FROMMEMBER member | FROMLONLAT longitude:double latitude:double>';
const SHAPE = `<BYRADIUS radius:double ${UNIT} | BYBOX width:double height:double ${UNIT}>`;
const STORE = '[STORE destination | STOREDIST destination]';
const POSITION = `key longitude:double latitude:double radius:double ${UNIT}`;
const AROUND_MEMBER = `key member radius:double ${UNIT}`;

export const geoSearchCommands = [
  {
    name: 'GEORADIUS',
    arity: -6,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [
      ...keys(1, 1, 'RO access'),
      storeKey('STORE', 6, 'OW update'),
      storeKey('STOREDIST', 6, 'OW update'),
    ],
    spread: 'borrow',
    group: 'geo',
    since: '3.2.0',
    summary:
      'Queries a geospatial index for members within a distance from a coordinate, optionally ' +
      'stores the result.',
    complexity: O_RADIUS,
    syntax: `${POSITION} ${WITH} ${COUNT} ${ORDER} ${STORE}`,
    handler: georadius,
  },
  {
    name: 'GEORADIUS_RO',
    arity: -6,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '3.2.10',
    summary:
      'Returns members from a geospatial index that are within a distance from a coordinate.',
    complexity: O_RADIUS,
    syntax: `${POSITION} ${WITH} ${COUNT} ${ORDER}`,
    handler: georadiusReadOnly,
  },
  {
    name: 'GEORADIUSBYMEMBER',
    arity: -5,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [
      ...keys(1, 1, 'RO access'),
      storeKey('STORE', 5, 'OW update'),
      storeKey('STOREDIST', 5, 'OW update'),
    ],
    spread: 'borrow',
    group: 'geo',
    since: '3.2.0',
    summary:
      'Queries a geospatial index for members within a distance from a member, optionally stores ' +
      'the result.',
    complexity: O_RADIUS,
    syntax: `${AROUND_MEMBER} ${WITH} ${COUNT} ${ORDER} ${STORE}`,
    handler: georadiusbymember,
  },
  {
    name: 'GEORADIUSBYMEMBER_RO',
    arity: -5,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '3.2.10',
    summary: 'Returns members from a geospatial index that are within a distance from a member.',
    complexity: O_RADIUS,
    syntax: `${AROUND_MEMBER} ${WITH} ${COUNT} ${ORDER}`,
    handler: georadiusbymemberReadOnly,
  },
  {
    name: 'GEOSEARCH',
    arity: -7,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '6.2.0',
    summary: 'Queries a geospatial index for members inside an area of a box or a circle.',
    complexity: O_SEARCH,
    syntax: `key ${CENTRE} ${SHAPE} ${ORDER} ${COUNT} ${WITH}`,
    handler: geosearch,
  },
  {
    name: 'GEOSEARCHSTORE',
    arity: -8,
    flags: WRITE | DENYOOM,
    keys: [...keys(1, 1, 'OW update'), ...keys(2, 2, 'RO access')],
    spread: 'borrow',
    group: 'geo',
    since: '6.2.0',
    summary:
      'Queries a geospatial index for members inside an area of a box or a circle, optionally ' +
      'stores the result.',
    complexity: O_SEARCH,
    syntax: `destination source ${CENTRE} ${SHAPE} ${ORDER} ${COUNT} [STOREDIST]`,
    handler: geosearchstore,
  },
] as const satisfies readonly CommandSpec[];
