/**
 * Geo commands on single members: GEOADD, GEOPOS, GEODIST, GEOHASH. Searches are in geo-search.ts.
 *
 * A geospatial index is a sorted set whose scores are positions (../geohash.ts), so all commands on
 * sorted sets work on it, and these here on any sorted set. Costs: those of finding and adding a
 * member.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { distance } from '../geo-distance.ts';
import { Cell, geohashText, scoreOfPosition } from '../geohash.ts';
import { ZsetValue } from '../zset-value.ts';
import { type CommandSpec, DENYOOM, keys, READONLY, WRITE } from './command-spec.ts';
import { position, readPosition, readUnit, replyDistance, replyPosition } from './geo-arguments.ts';
import { lookupRead, lookupWrite, open, openToAdd, WRONG } from './sorted-set-arguments.ts';

const zset = new ZsetValue();
const cell = new Cell();
const otherCell = new Cell();

const NX = 1;
const XX = 2;
const CH = 4;

/** Options of the GEOADD that runs, and where its positions begin. */
const adding = { options: 0, from: 2 };
/** Scores of its members: all are read before anything changes. */
let newScores = new Float64Array(16);

function optionAt({ request }: CommandContext, i: number): number {
  if (request.is(i, 'NX')) return NX;
  if (request.is(i, 'XX')) return XX;
  return request.is(i, 'CH') ? CH : 0;
}

/** Reads options and positions; false with an error replied. */
function readMembers(context: CommandContext): boolean {
  const { reply, request } = context;
  adding.options = 0;
  adding.from = 2;
  for (; adding.from < request.argc; adding.from++) {
    const option = optionAt(context, adding.from);
    if (option === 0) break;
    adding.options |= option;
  }
  const words = request.argc - adding.from;
  const isContradictory = (adding.options & (NX | XX)) === (NX | XX);
  if (words === 0 || words % 3 !== 0 || isContradictory) {
    reply.error(errors.syntax);
    return false;
  }
  const members = words / 3;
  if (members > newScores.length) newScores = new Float64Array(2 * members);
  for (let i = 0; i < members; i++) {
    if (!readPosition(context, adding.from + 3 * i)) return false;
    newScores[i] = scoreOfPosition(position.longitude, position.latitude);
  }
  return true;
}

function geoadd(context: CommandContext): void {
  const { reply, request } = context;
  if (!readMembers(context)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  const mayBeMade = (adding.options & XX) === 0;
  if (!openToAdd(context, zset, reference, mayBeMade, adding.from + 2)) {
    reply.integer(0);
    return;
  }
  const { options, from } = adding;
  let added = 0;
  let updated = 0;
  for (let i = 0; from + 3 * i < request.argc; i++) {
    const member = from + 3 * i + 2;
    if (!zset.find(request.block, request.offset(member), request.length(member))) {
      if ((options & XX) !== 0) continue;
      zset.insertMissing(newScores[i]);
      added++;
    } else if ((options & NX) === 0 && zset.foundScore !== newScores[i]) {
      zset.setFound(newScores[i]);
      updated++;
    }
  }
  if (added + updated > 0) context.changed(added + updated);
  reply.integer((options & CH) === 0 ? added : added + updated);
}

/** Score of the member in argument `i` of the open set, or NaN. */
function scoreAt({ request }: CommandContext, i: number): number {
  return zset.scoreOf(request.block, request.offset(i), request.length(i));
}

function geopos(context: CommandContext): void {
  const { reply, request } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, zset, reference);
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    const score = reference === 0 ? Number.NaN : scoreAt(context, i);
    if (Number.isNaN(score)) reply.nullArray();
    else replyPosition(reply, score);
  }
}

function geohash(context: CommandContext): void {
  const { reply, request } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, zset, reference);
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    const score = reference === 0 ? Number.NaN : scoreAt(context, i);
    if (Number.isNaN(score)) {
      reply.null();
    } else {
      cell.decode(score);
      reply.text(geohashText(cell.longitude, cell.latitude));
    }
  }
}

function geodist(context: CommandContext): void {
  const { reply, request } = context;
  if (request.argc > 5) {
    reply.error(errors.syntax);
    return;
  }
  const metres = request.argc === 5 ? readUnit(context, 4) : 1;
  if (Number.isNaN(metres)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  open(context, zset, reference);
  const score = scoreAt(context, 2);
  const otherScore = Number.isNaN(score) ? score : scoreAt(context, 3);
  if (Number.isNaN(otherScore)) {
    reply.null();
    return;
  }
  const { latitude, longitude } = cell.decode(score);
  const other = otherCell.decode(otherScore);
  replyDistance(reply, distance(longitude, latitude, other.longitude, other.latitude) / metres);
}

export const geoCommands = [
  {
    name: 'GEOADD',
    arity: -5,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'RW update'),
    group: 'geo',
    since: '3.2.0',
    summary:
      'Adds one or more members to a geospatial index. The key is created if it ' +
      "doesn't exist.",
    complexity:
      'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
    syntax:
      'key [NX | XX] [CH] longitude:double latitude:double member ' +
      '[longitude:double latitude:double member ...]',
    handler: geoadd,
  },
  {
    name: 'GEODIST',
    arity: -4,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the distance between two members of a geospatial index.',
    complexity: 'O(log(N))',
    syntax: 'key member1 member2 [M | KM | FT | MI]',
    handler: geodist,
  },
  {
    name: 'GEOHASH',
    arity: -2,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns members from a geospatial index as geohash strings.',
    complexity:
      'O(log(N)) for each member requested, where N is the number of elements in the sorted set.',
    syntax: 'key [member [member ...]]',
    handler: geohash,
  },
  {
    name: 'GEOPOS',
    arity: -2,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'geo',
    since: '3.2.0',
    summary: 'Returns the longitude and latitude of members from a geospatial index.',
    complexity: 'O(N) where N is the number of members requested.',
    syntax: 'key [member [member ...]]',
    handler: geopos,
  },
] as const satisfies readonly CommandSpec[];
