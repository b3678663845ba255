// JTL: JMeter's results as CSV, one line per sample, readable by its listeners and its dashboard.
//
// The columns are those that JMeter writes by default, in its order; a reader finds them by their
// names, and refuses a header with an unknown one. Behind them JMeter allows variables, whose names
// stand in quotes: "elapsedMicros" is there because JMeter's milliseconds say little of a server
// that answers in tenths of them.
//
// Values are quoted when they hold a separator, a quote or a line break; line breaks become spaces,
// because the format has none.
//
// JMeter 2.13 was seen to read it (with `jmeter-2`), and its aggregates to be ours.
//
// Source: JMeter's user manual, "Listeners", section "CSV Log format".

export const JTL_COLUMNS = [
  'timeStamp',
  'elapsed',
  'label',
  'responseCode',
  'responseMessage',
  'threadName',
  'dataType',
  'success',
  'failureMessage',
  'bytes',
  'sentBytes',
  'grpThreads',
  'allThreads',
  'URL',
  'Latency',
  'IdleTime',
  'Connect',
] as const;

export const JTL_HEADER: string = headerOf(JTL_COLUMNS);

/** JMeter 2, which Debian has, takes a header for a sample when it names what came with JMeter 3. */
const JMETER_3 = 'sentBytes';
export const JTL_HEADER_2: string = headerOf(JTL_COLUMNS.filter((name) => name !== JMETER_3));

function headerOf(columns: readonly string[]): string {
  return `${columns.join(',')},"elapsedMicros"\n`;
}

/** What a plan says of its JTL file. */
export interface JtlSettings {
  readonly isErrorsOnly: boolean;
  /** Without the column that JMeter 2 does not know. */
  readonly isForJMeter2: boolean;
}

export interface JtlRow {
  /** Milliseconds of the day's time, when the sample began. */
  readonly timeStamp: number;
  readonly elapsedMs: number;
  readonly label: string;
  /** OK, the first word of an error reply, or the code of a system error. */
  readonly responseCode: string;
  readonly responseMessage: string;
  readonly threadName: string;
  readonly isSuccess: boolean;
  readonly failureMessage: string;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly groupThreads: number;
  readonly allThreads: number;
  readonly url: string;
  /** To the first byte of the reply. */
  readonly latencyMs: number;
  readonly idleMs: number;
  /** What connecting took, in the first sample of a connection. */
  readonly connectMs: number;
}

export function jtlLine(row: JtlRow, isForJMeter2 = false): string {
  const sentBytes = isForJMeter2 ? '' : `${row.sentBytes},`;
  return (
    `${row.timeStamp},${Math.round(row.elapsedMs)},${quoted(row.label)},` +
    `${quoted(row.responseCode)},${quoted(row.responseMessage)},${quoted(row.threadName)},text,` +
    `${row.isSuccess},${quoted(row.failureMessage)},${row.bytes},${sentBytes}` +
    `${row.groupThreads},${row.allThreads},${row.url},${Math.round(row.latencyMs)},` +
    `${Math.round(row.idleMs)},${Math.round(row.connectMs)},${Math.round(row.elapsedMs * 1e3)}\n`
  );
}

function quoted(value: string): string {
  if (!/[",\r\n]/.test(value)) return value;
  return `"${value.replaceAll(/\r\n|\r|\n/g, ' ').replaceAll('"', '""')}"`;
}
