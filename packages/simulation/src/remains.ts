/**
 * What may be left when nothing is under way: the connections of clients that are there, at rest,
 * and nothing else. No waiter, no claim, no lock, no coordinator's wait outlives its command.
 */
import type { Engine } from '@hashlane/core';
import type { Gateway } from 'hashlane/parts';

/** The first thing that should not be there; undefined when all is as it should be. */
export function remainsProblem(
  gateway: Gateway,
  engines: readonly Engine[],
  live: ReadonlySet<number>,
): string | undefined {
  return (
    connectionProblem(gateway, live) ??
    waitProblem(gateway, live) ??
    lockProblem(gateway) ??
    engines.map(waiterProblem).find((problem) => problem !== undefined)
  );
}

function connectionProblem(gateway: Gateway, live: ReadonlySet<number>): string | undefined {
  for (const [number, connection] of gateway.connections) {
    if (!live.has(number)) return `connection ${number} is still known, ${connection.state}`;
    const { isBarred, isBlocked, outstanding, inputBytes } = connection;
    if (isBarred) return `connection ${number} is barred at rest`;
    if (isBlocked) return `connection ${number} is blocked at rest`;
    if (outstanding !== 0) return `connection ${number} is owed ${outstanding} replies at rest`;
    if (inputBytes !== 0) return `connection ${number} has ${inputBytes} bytes of input at rest`;
    if (connection.onGone !== undefined) return `connection ${number} has something to undo`;
  }
  const missing = [...live].find((number) => !gateway.connections.has(number));
  return missing === undefined ? undefined : `connection ${missing} is not known`;
}

function waitProblem(gateway: Gateway, live: ReadonlySet<number>): string | undefined {
  const end = gateway.nextConnectionId();
  for (let number = Math.max(1, end - 5000); number < end; number++) {
    if (!live.has(number) && gateway.receiverOf(number) !== undefined) {
      return `wait ${number} of a coordinator is still registered`;
    }
  }
  const claims = new Int32Array(gateway.shards.claims.memory);
  const held = claims.findIndex((word) => word !== 0);
  return held < 0
    ? undefined
    : `claim ${held} is still ${['', 'open', 'won', 'guarded'][claims[held]!]}`;
}

function lockProblem({ isolation }: Gateway): string | undefined {
  const { lockedKeys } = isolation.statistics;
  return lockedKeys === 0 ? undefined : `${lockedKeys} keys are still locked`;
}

function waiterProblem(engine: Engine): string | undefined {
  const [waiter] = engine.waiters.all();
  if (waiter === undefined) return undefined;
  return `connection ${waiter.request.connection} still waits in ${waiter.spec.name}`;
}
