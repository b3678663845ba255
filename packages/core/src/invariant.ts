/**
 * Assertions that stay on in production. A failed one is a bug of ours, never a client's mistake:
 * the shard's supervisor logs it and restarts the shard.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`invariant failed: ${message}`);
}
