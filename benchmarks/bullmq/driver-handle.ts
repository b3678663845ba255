// The benchmark's end of the process that runs BullMQ: one request at a time.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { spawnChild } from '../contenders.ts';
import type { DriverReply, DriverRequest } from './driver-messages.ts';

const DRIVER = join(import.meta.dirname, 'driver.ts');
/** A request that takes longer is given up, and the driver with it. */
const TIMEOUT_MS = 120_000;

export class Driver {
  #child: ChildProcess | undefined;

  /** Rejects with the driver's error, when it dies, or when it takes too long. */
  ask(request: DriverRequest): Promise<DriverReply> {
    this.#child ??= spawnChild(process.execPath, [DRIVER], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.stop();
        settle(() => reject(new Error(`${request.kind}: no answer from the driver`)));
      }, TIMEOUT_MS);
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        outcome();
      };
      const onMessage = (reply: DriverReply) =>
        settle(() => {
          if (reply.error === undefined) resolve(reply);
          else reject(new Error(`${request.kind}: ${reply.error}`));
        });
      const onExit = () => {
        this.#child = undefined;
        settle(() => reject(new Error(`${request.kind}: the driver died`)));
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send(request);
    });
  }

  /** The next request starts another one. */
  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
