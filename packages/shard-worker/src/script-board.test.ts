/** What gateway and shard agree on of requests that are refused; clients' view is in the harness. */
import t from 'tap';
import { RequestCount } from './request-count.ts';
import { ScriptBoard } from './script-board.ts';

const SHARD = 1;

/** Numbers of the next requests that the shard skips. */
function skipped(requests: RequestCount, count: number): number[] {
  const first = requests.begun;
  return Array.from({ length: count }, (_, i) => first + i).filter(() => requests.begin());
}

/** A shard that stands still at the last of so many requests. */
function standing(board: ScriptBoard, begun: number): RequestCount {
  const requests = new RequestCount();
  skipped(requests, begun);
  requests.stand(board, SHARD);
  return requests;
}

t.test('what is refused while the shard stands still is skipped, once', async (t) => {
  const gateway = new ScriptBoard(3);
  const shard = new ScriptBoard(gateway.memory);
  const requests = standing(shard, 5);
  t.equal(gateway.standsAt(SHARD, 2), 5);
  t.equal(gateway.standsAt(0, 0), undefined, 'another shard moves');
  t.equal(gateway.refuse(SHARD, 5, [0, 2, 33, 64]), true);
  t.equal(gateway.standsAt(SHARD, 2), undefined, 'once');
  requests.stand(shard, SHARD);
  t.equal(gateway.standsAt(SHARD, 2), undefined, 'held while its script runs');
  requests.goOn(shard, SHARD);
  t.strictSame(skipped(requests, 100), [5, 7, 38, 69]);
  requests.stand(shard, SHARD);
  t.equal(gateway.standsAt(SHARD, 100), 105);
  requests.goOn(shard, SHARD);
  t.strictSame(skipped(requests, 100), []);
});

t.test('a shard that went on executes what should have been refused', async (t) => {
  const board = new ScriptBoard(2);
  const requests = standing(board, 1);
  const begun = board.standsAt(SHARD, 0)!;
  requests.goOn(board, SHARD);
  t.equal(board.refuse(SHARD, begun, [0]), false);
  requests.begin();
  requests.stand(board, SHARD);
  t.equal(board.refuse(SHARD, begun, [0]), false, 'nor when it stands at another request');
  requests.goOn(board, SHARD);
  t.strictSame(skipped(requests, 10), []);
});

t.test('a shard that stands again before it came to all that was refused', async (t) => {
  const board = new ScriptBoard(2);
  const requests = standing(board, 1);
  board.refuse(SHARD, 1, [0, 2, 3]);
  requests.goOn(board, SHARD);
  t.strictSame(skipped(requests, 2), [1]);
  requests.stand(board, SHARD);
  t.equal(board.refuse(SHARD, board.standsAt(SHARD, 0)!, [2]), true);
  requests.goOn(board, SHARD);
  t.strictSame(skipped(requests, 10), [3, 4, 5]);
});

t.test(
  'counts go on where a word begins anew; a shard that failed has refused nothing',
  async (t) => {
    const board = new ScriptBoard(2);
    const many = 2 ** 40 + 7;
    board.stand(SHARD, many);
    t.equal(board.standsAt(SHARD, many - 3), many);
    t.equal(board.refuse(SHARD, many, [0]), true);
    board.reset(SHARD);
    t.strictSame(board.goOn(SHARD), []);
  },
);
