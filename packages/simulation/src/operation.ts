/** What a simulated client asked, when the gateway had it, and when and what it replied. */
import type { ReplyValue } from '@hashlane/harness/tools';

export class Operation {
  /** Order in which operations were issued, over all clients. */
  readonly serial: number;
  readonly client: number;
  /** Number of the connection it was sent on. */
  readonly connection: number;
  readonly database: number;
  /** Requests, posted as one; a transaction has several, and the last one's reply is its reply. */
  readonly requests: readonly (readonly string[])[];
  /** For an EXEC after WATCH: what the watched key held when the client looked; null for nothing. */
  readonly guard: { readonly key: string; readonly value: ReplyValue } | undefined;
  /** End of its last request in the connection's input. */
  requestEnd = 0;
  /** Steps of the scheduler. Infinity: not yet, or never. */
  invokedAt = Infinity;
  blockedAt = Infinity;
  repliedAt = Infinity;
  reply: ReplyValue | undefined;
  /** Replies of the requests before the last. */
  readonly earlierReplies: ReplyValue[] = [];
  /** The connection was closed before it had replied. */
  isLost = false;
  /** What the gateway had written was not all sent when the connection was closed. */
  wasCutOff = false;
  /** Called with the reply. */
  replied: ((reply: ReplyValue) => void) | undefined;

  constructor(
    serial: number,
    client: number,
    connection: number,
    database: number,
    requests: readonly (readonly string[])[],
    guard?: Operation['guard'],
  ) {
    this.serial = serial;
    this.client = client;
    this.connection = connection;
    this.database = database;
    this.requests = requests;
    this.guard = guard;
  }

  get words(): readonly string[] {
    return this.requests[0] as readonly string[];
  }

  get name(): string {
    return this.words[0] as string;
  }

  get isDone(): boolean {
    return this.repliedAt !== Infinity;
  }

  /** The gateway never had all of it, so it was not executed. */
  get isUnsent(): boolean {
    return this.invokedAt === Infinity;
  }

  toString(): string {
    const { guard } = this;
    const watched = guard === undefined ? '' : `(while ${guard.key} is ${guard.value}) `;
    const text = watched + this.requests.map((words) => words.join(' ')).join('; ');
    const reply = this.isDone ? JSON.stringify(this.reply) : this.isLost ? 'lost' : 'pending';
    const times = [this.invokedAt, this.blockedAt, this.repliedAt]
      .map((at) => (at === Infinity ? '–' : at))
      .join(' ');
    return `#${this.serial} client ${this.client}.${this.connection} db${this.database} [${times}] ${text} → ${reply}`;
  }
}
