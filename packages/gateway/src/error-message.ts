/** What was thrown, as text for a log or a client. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
