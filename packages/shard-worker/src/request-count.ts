/**
 * How many requests a shard has begun, and which of those to come the gateway has refused while the
 * shard stood still (script-board.ts).
 */
import type { ScriptBoard } from './script-board.ts';

export class RequestCount {
  begun = 0;
  /** Numbers of refused requests, and the end of their range. */
  readonly #refused = new Set<number>();
  #end = 0;

  /** A request begins; true when it was refused and must not be executed. */
  begin(): boolean {
    const number = this.begun++;
    return number < this.#end && this.#refused.delete(number);
  }

  /** The shard stands still. */
  stand(board: ScriptBoard, shard: number): void {
    board.stand(shard, this.begun);
  }

  goOn(board: ScriptBoard, shard: number): void {
    for (const place of board.goOn(shard)) {
      this.#refused.add(this.begun + place);
      this.#end = Math.max(this.#end, this.begun + place + 1);
    }
  }
}
