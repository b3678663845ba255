/**
 * Publish and subscribe: who listens to which channel or pattern, and messages on their way.
 *
 *   PUBLISH ─▶ topic (head of its messages, ready made) ─▶ encoded once per protocol in a writer
 *   subscriber: (start, end) in that writer, one pair while its messages lie side by side
 *   end of the turn ─▶ replies leave, then each subscriber gets its messages with one write
 *
 * All of it is in the gateway: shards hold no subscribers. Messages that scripts publish come from
 * their shards when the script ends, ahead of its reply; how many get them a script learns from
 * counts that shards are told before a script is sent to them (`tellShards`).
 *
 * Order. A connection's replies of a turn leave before its messages, and whatever it sends next is
 * executed after these were put behind its earlier replies (`allows`). SUBSCRIBE and its relatives
 * wait until their connection is owed nothing by shards, so a confirmation leaves at once, and a
 * message may leave at any time: it comes between two replies, after the confirmation.
 * While a connection's EXEC is executed over shards, what it publishes and what is published for it
 * are held, and follow the reply.
 *
 * Cost of a message: one look at the channel, a match per pattern, one copy per protocol, a pair of
 * numbers per subscriber. A subscriber that is slow costs a copy each, within
 * client-output-buffer-limit.
 */
import { matchesGlob, NOSCRIPT, PUBSUB } from '@hashlane/core/metadata';
import { Block, equalBytes, ReplyWriter } from '@hashlane/resp';
import type { PublishedMessage } from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import { type Connection, NO_SHARD } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { CHANGED_TOPICS_MAX, MESSAGES_BLOCK_BYTES } from './limits.ts';

export type TopicKind = 'channel' | 'pattern' | 'shard';

/** First words of messages, and what shards know a topic by, before its name. */
const KINDS: { readonly [kind in TopicKind]: { readonly message: string; readonly mark: string } } =
  {
    channel: { message: 'message', mark: 'c' },
    pattern: { message: 'pmessage', mark: 'p' },
    shard: { message: 'smessage', mark: 's' },
  };

const FLAGS = PUBSUB | NOSCRIPT;
const IN_ANY_CONTEXT: ReadonlySet<string> = new Set(['PING', 'QUIT', 'RESET']);

const ARRAY = 42;
const PUSH = 62;

/** SUBSCRIBE, UNSUBSCRIBE and their relatives: what changes the connection's subscriptions. */
export function isSubscription(flags: number): boolean {
  return (flags & FLAGS) === FLAGS;
}

/** A channel, a pattern or a shard channel that somebody is subscribed to. */
class Topic {
  readonly kind: TopicKind;
  readonly name: string;
  readonly subscribers = new Set<Connection>();
  #head: Block | undefined;
  /** The name of a pattern, to be matched. */
  readonly pattern: Uint8Array | undefined;

  constructor(kind: TopicKind, name: string) {
    this.kind = kind;
    this.name = name;
    this.pattern = kind === 'pattern' ? Buffer.from(name, 'latin1') : undefined;
  }

  /** What shards know it by. */
  get mark(): string {
    return KINDS[this.kind].mark + this.name;
  }

  /**
   * How its messages begin, in RESP2; in RESP3 the first byte is another. Made for the first one:
   * most of many channels may be quiet.
   */
  get head(): Block {
    this.#head ??= this.#makeHead();
    return this.#head;
  }

  #makeHead(): Block {
    const { kind, name } = this;
    const { message } = KINDS[kind];
    const start = `*${kind === 'pattern' ? 4 : 3}\r\n$${message.length}\r\n${message}\r\n`;
    return Block.of(`${start}$${name.length}\r\n${name}\r\n`);
  }

  /** The name ends two bytes before the head does. */
  isNamed(block: Block, offset: number, length: number): boolean {
    if (this.name.length !== length) return false;
    const { head } = this;
    return equalBytes(head, head.size - 2 - length, block, offset, length);
  }
}

/** What one connection is subscribed to; there while it is to anything. */
export class Subscriptions {
  readonly channel = new Set<string>();
  readonly pattern = new Set<string>();
  readonly shard = new Set<string>();
  /** (start, end) of messages on their way to it. */
  readonly spans: number[] = [];

  get total(): number {
    return this.channel.size + this.pattern.size + this.shard.size;
  }
}

/** A message whose way ends when its holder's EXEC does. */
export interface HeldMessage {
  readonly connection: Connection;
  readonly bytes: Buffer;
}

/** The message at hand. */
interface Message {
  channel: Block;
  channelAt: number;
  channelLength: number;
  text: Block;
  textAt: number;
  textLength: number;
  /** Where it begins in the writers once it is encoded for a topic; −1 before. */
  readonly starts: [number, number];
}

const NOTHING = Block.of('');

export class PubSub {
  readonly #gateway: Gateway;
  readonly #topics: { readonly [kind in TopicKind]: Map<string, Topic> } = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };
  /** The channel that was published to last. */
  #last: Topic | undefined;
  /** Messages on their way, in RESP2 and RESP3. */
  readonly #writers = [
    new ReplyWriter(MESSAGES_BLOCK_BYTES),
    new ReplyWriter(MESSAGES_BLOCK_BYTES),
  ] as const;
  readonly #gathered = new ReplyWriter(MESSAGES_BLOCK_BYTES);
  /** Whom they are for. */
  readonly #waiting: Connection[] = [];
  /** Bytes of messages that wait for the end of the turn. */
  pendingBytes = 0;
  /** More messages follow at once. */
  #isGathering = false;
  readonly #message: Message = {
    channel: NOTHING,
    channelAt: 0,
    channelLength: 0,
    text: NOTHING,
    textAt: 0,
    textLength: 0,
    starts: [-1, -1],
  };
  /** Scripts are used, and shards are told of changes. */
  #hasScripts = false;
  /** Shards know nothing yet, or not all of them do. */
  #mustTellAll = true;
  /** Marks of topics whose number of subscribers has changed since shards were told. */
  readonly #changed = new Set<string>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  // Subscribers

  /** How many topics of a kind there are. */
  count(kind: TopicKind): number {
    return this.#topics[kind].size;
  }

  /** Names of the topics of a kind, as latin1 strings. */
  names(kind: TopicKind): IterableIterator<string> {
    return this.#topics[kind].keys();
  }

  subscribers(kind: TopicKind, name: string): number {
    return this.#topics[kind].get(name)?.subscribers.size ?? 0;
  }

  subscribe(connection: Connection, kind: TopicKind, name: string): void {
    // It may have gone while its EXEC was on its way.
    if (connection.state !== 'open') return;
    connection.subscriptions ??= new Subscriptions();
    const own = connection.subscriptions[kind];
    if (own.has(name)) return;
    own.add(name);
    let topic = this.#topics[kind].get(name);
    if (topic === undefined) {
      topic = new Topic(kind, name);
      this.#topics[kind].set(name, topic);
    }
    topic.subscribers.add(connection);
    this.#noteChange(topic);
  }

  unsubscribe(connection: Connection, kind: TopicKind, name: string): void {
    const { subscriptions } = connection;
    if (subscriptions === undefined || !subscriptions[kind].delete(name)) return;
    const topic = this.#topics[kind].get(name) as Topic;
    topic.subscribers.delete(connection);
    this.#noteChange(topic);
    if (topic.subscribers.size === 0) {
      this.#topics[kind].delete(name);
      if (this.#last === topic) this.#last = undefined;
    }
    if (subscriptions.total === 0) connection.subscriptions = undefined;
  }

  /** Ends all subscriptions of a connection, without a word. */
  forget(connection: Connection): void {
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of connection.subscriptions?.[kind] ?? []) {
        this.unsubscribe(connection, kind, name);
      }
    }
  }

  // Commands of subscribers

  /**
   * A connection with subscriptions is about to execute a command: what was published for it goes
   * behind its earlier replies. False when the command cannot be executed, which in RESP2, where
   * replies cannot be told from messages, nearly none can.
   */
  allows(connection: Connection, { spec }: CommandEntry): boolean {
    if (connection.subscriptions!.spans.length > 0) this.#sendOwn(connection);
    if (connection.protocol === 3) return true;
    return isSubscription(spec.flags) || IN_ANY_CONTEXT.has(spec.name);
  }

  /** Must a command of pub/sub wait until its connection is owed nothing? */
  mustWait(connection: Connection, flags: number): boolean {
    if (connection.outstanding === 0) return false;
    if (isSubscription(flags)) return true;
    if (connection.replyMode !== 'on') return false;
    // A script may publish, too, and first. Who hears of a command may ask for its effects by a
    // script, which reaches shards by another way than the command.
    const mayRoam = this.#hasScripts && this.#gateway.shards.links.length > 1;
    return mayRoam || connection.scriptShard !== NO_SHARD;
  }

  // Messages

  /** Publishes what lies in these blocks; returns how many connections get it. */
  publish(
    kind: 'channel' | 'shard',
    channel: Block,
    channelAt: number,
    channelLength: number,
    text: Block,
    textAt: number,
    textLength: number,
    publisher: Connection | undefined,
  ): number {
    const topic = this.#find(kind, channel, channelAt, channelLength);
    const patterns = this.#topics.pattern;
    if (topic === undefined && (kind === 'shard' || patterns.size === 0)) return 0;
    const message = this.#message;
    message.channel = channel;
    message.channelAt = channelAt;
    message.channelLength = channelLength;
    message.text = text;
    message.textAt = textAt;
    message.textLength = textLength;
    let receivers = topic === undefined ? 0 : this.#sendTo(topic, publisher);
    if (kind === 'channel') {
      const end = channelAt + channelLength;
      for (const each of patterns.values()) {
        if (matchesGlob(each.pattern as Uint8Array, channel.bytes, channelAt, end)) {
          receivers += this.#sendTo(each, publisher);
        }
      }
    }
    message.channel = NOTHING;
    message.text = NOTHING;
    this.#flushOutside();
    return receivers;
  }

  /** Publishes what a script has published. */
  publishAll(messages: readonly PublishedMessage[]): void {
    this.#isGathering = true;
    for (const { channel, isSharded, text } of messages) {
      const kind = isSharded ? 'shard' : 'channel';
      const name = Block.of(channel);
      this.publish(kind, name, 0, name.size, Block.of(text), 0, text.length, undefined);
    }
    this.#isGathering = false;
    this.#flushOutside();
  }

  /** Out of a turn nothing else will send what was published. */
  #flushOutside(): void {
    if (!this.#isGathering && !this.#gateway.turn.isOpen) this.flush();
  }

  #find(
    kind: 'channel' | 'shard',
    block: Block,
    offset: number,
    length: number,
  ): Topic | undefined {
    const last = this.#last;
    if (last !== undefined && kind === 'channel' && last.isNamed(block, offset, length))
      return last;
    const topics = this.#topics[kind];
    if (topics.size === 0) return undefined;
    const topic = topics.get(block.bytes.latin1Slice(offset, offset + length));
    if (kind === 'channel' && topic !== undefined) this.#last = topic;
    return topic;
  }

  #sendTo(topic: Topic, publisher: Connection | undefined): number {
    const { starts } = this.#message;
    starts[0] = -1;
    starts[1] = -1;
    for (const connection of topic.subscribers) {
      const version = connection.protocol === 3 ? 1 : 0;
      const writer = this.#writers[version];
      if (starts[version] < 0) this.#encode(writer, topic, version);
      const start = starts[version];
      const holder = connection.heldMessages ?? publisher?.heldMessages;
      if (holder === undefined) {
        this.#expect(connection, start, writer.position);
      } else {
        const bytes = Buffer.from(writer.block.bytes.subarray(start, writer.position));
        holder.push({ connection, bytes });
      }
    }
    return topic.subscribers.size;
  }

  #encode(writer: ReplyWriter, topic: Topic, version: 0 | 1): void {
    const { channel, channelAt, channelLength, starts, text, textAt, textLength } = this.#message;
    const start = writer.position;
    starts[version] = start;
    writer.constant(topic.head);
    if (version === 1) writer.block.bytes[start] = PUSH;
    if (topic.pattern !== undefined) writer.bulk(channel, channelAt, channelLength);
    writer.bulk(text, textAt, textLength);
    this.pendingBytes += writer.position - start;
  }

  /** A connection gets what its protocol's writer has from `start` to `end`. */
  #expect(connection: Connection, start: number, end: number): void {
    const { spans } = connection.subscriptions as Subscriptions;
    const last = spans.length - 1;
    if (last < 0) {
      this.#waiting.push(connection);
      spans.push(start, end);
    } else if (spans[last] === start) {
      spans[last] = end;
    } else {
      spans.push(start, end);
    }
  }

  /** Sends what was published; for the end of a turn, after its replies. */
  flush(): void {
    if (this.pendingBytes === 0) return;
    this.pendingBytes = 0;
    const waiting = this.#waiting;
    const isHeld: [boolean, boolean] = [false, false];
    for (const connection of waiting) {
      if (this.#send(connection)) isHeld[connection.protocol === 3 ? 1 : 0] = true;
    }
    waiting.length = 0;
    this.#writers.forEach((writer, version) => {
      if (isHeld[version]) writer.take();
      else writer.reset();
    });
  }

  /** What was published for a connection goes behind its replies of this turn. */
  #sendOwn(connection: Connection): void {
    // Out of a turn it would go to the socket, which may hold on to the block.
    if (this.#gateway.turn.isOpen) this.#send(connection);
    else this.flush();
  }

  /** True when the writer's block must not be reused yet. */
  #send(connection: Connection): boolean {
    const spans = connection.subscriptions?.spans;
    if (spans === undefined || spans.length === 0) return false;
    const { block } = this.#writers[connection.protocol === 3 ? 1 : 0];
    const [start, end] = spans as [number, number];
    if (spans.length === 2) {
      spans.length = 0;
      return connection.send(block, start, end);
    }
    const gathered = this.#gathered;
    for (let i = 0; i < spans.length; i += 2) {
      gathered.raw(block.bytes.subarray(spans[i], spans[i + 1]));
    }
    spans.length = 0;
    if (connection.send(gathered.block, 0, gathered.position)) gathered.take();
    else gathered.reset();
    return false;
  }

  // EXEC

  /** A connection's EXEC begins, which is executed over shards. */
  hold(connection: Connection): void {
    connection.heldMessages = [];
  }

  /** The EXEC is answered. */
  letGo(connection: Connection): void {
    const held = connection.heldMessages ?? [];
    connection.heldMessages = undefined;
    for (const message of held) this.#resume(message);
    this.#flushOutside();
  }

  #resume({ connection, bytes }: HeldMessage): void {
    if (connection.heldMessages !== undefined) {
      connection.heldMessages.push({ connection, bytes });
    } else if (connection.subscriptions !== undefined) {
      const writer = this.#writers[connection.protocol === 3 ? 1 : 0];
      const start = writer.position;
      // It may have said HELLO since.
      bytes[0] = connection.protocol === 3 ? PUSH : ARRAY;
      writer.raw(bytes);
      this.pendingBytes += bytes.length;
      this.#expect(connection, start, writer.position);
    }
  }

  // What shards know

  #noteChange(topic: Topic): void {
    if (!this.#hasScripts || this.#mustTellAll) return;
    this.#changed.add(topic.mark);
    if (this.#changed.size > CHANGED_TOPICS_MAX) this.#mustTellAll = true;
  }

  /** A shard begins anew, and knows of no subscribers. */
  shardStarts(): void {
    this.#mustTellAll = true;
  }

  /** A script is about to be sent to a shard: all shards are told how many subscribers there are. */
  tellShards(): void {
    this.#hasScripts = true;
    const isAll = this.#mustTellAll;
    if (!isAll && this.#changed.size === 0) return;
    const counts = isAll
      ? this.#allCounts()
      : [...this.#changed].map((mark) => this.#countOf(mark));
    this.#mustTellAll = false;
    this.#changed.clear();
    for (const link of this.#gateway.shards.links) {
      link.control({ type: 'subscribers', isAll, counts }).catch(() => {});
    }
  }

  #allCounts(): (readonly [string, number])[] {
    return Object.values(this.#topics).flatMap((topics) =>
      Array.from(topics.values(), ({ mark, subscribers }) => [mark, subscribers.size] as const),
    );
  }

  #countOf(mark: string): readonly [string, number] {
    const kind = (Object.keys(KINDS) as TopicKind[]).find((each) => KINDS[each].mark === mark[0]);
    return [mark, this.subscribers(kind as TopicKind, mark.slice(1))];
  }

  /** How many would get a message now; for a shard in this thread. */
  receivers(kind: 'channel' | 'shard', channel: string): number {
    let receivers = this.subscribers(kind, channel);
    if (kind === 'shard') return receivers;
    const bytes = Buffer.from(channel, 'latin1');
    for (const { pattern, subscribers } of this.#topics.pattern.values()) {
      if (matchesGlob(pattern as Uint8Array, bytes)) receivers += subscribers.size;
    }
    return receivers;
  }
}
