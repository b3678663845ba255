// A plan as it is run: what plan-reader.ts makes of a file, with texts compiled and names resolved.
//
// A plan has closures in it, so it does not cross threads; each thread reads the file's text again
// and gets the same numbers for labels, counters and tallies, because they are given in the order of
// the text.

import type { JtlSettings } from './jtl.ts';
import type { Check, Extractor } from './reply-checks.ts';
import type { Evaluate, Template } from './template.ts';
import type { ThinkTimer } from './think-timer.ts';

export interface Plan {
  readonly name: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly setup: readonly SetupCommand[];
  readonly groups: readonly Group[];
  readonly verify: readonly Verification[];
  readonly listeners: Listeners;
  /** Labels of the report, in the order of the text; steps of one name share a label. */
  readonly labels: readonly string[];
  readonly counters: number;
  readonly tallies: readonly string[];
}

export interface Listeners {
  readonly aggregate: boolean;
  readonly jtl: JtlSettings | undefined;
  readonly html: boolean;
}

export interface Variable {
  readonly name: string;
  readonly value: Template;
}

export interface Group {
  readonly name: string;
  readonly users: number;
  readonly rampUpMs: number;
  readonly delayMs: number;
  /** Counted from the start of the group; null: until the loops are done. */
  readonly durationMs: number | null;
  /** Null: until the duration is over. */
  readonly loops: number | null;
  /** How long replies are waited for after the end. */
  readonly graceMs: number;
  readonly replyTimeoutMs: number;
  readonly variables: readonly Variable[];
  readonly think: ThinkTimer | undefined;
  readonly once: readonly Step[];
  readonly steps: readonly Step[];
}

/** `if` (wanted) or `unless` (not wanted): empty, 0 and false do not hold. */
export interface Condition {
  readonly value: Template;
  readonly isWanted: boolean;
}

/** One sampler: what is measured as one sample under one label. */
export interface Step {
  readonly label: string;
  readonly labelIndex: number;
  /** One, or several that follow one another (`sequence`). */
  readonly exchanges: readonly Exchange[];
  readonly condition: Condition | undefined;
  /** In (0, 100]: share of the iterations in which it runs. */
  readonly percent: number;
  readonly think: ThinkTimer | undefined;
  readonly wakeUp: Extractor | undefined;
  readonly tally: number | undefined;
}

/** Commands written at once, and what becomes of their replies. */
export interface Exchange {
  /** single: the reply; pipeline: a list of all replies; exec: the last reply, which is EXEC's. */
  readonly kind: 'single' | 'pipeline' | 'exec';
  readonly commands: readonly Command[];
  readonly condition: Condition | undefined;
  readonly checks: readonly Check[];
  readonly extractors: readonly NamedExtractor[];
  /** Error replies that are none. */
  readonly ignoredErrors: RegExp | undefined;
}

export interface NamedExtractor {
  readonly variable: string;
  readonly extractor: Extractor;
  readonly fallback: Template | undefined;
}

/** Constant parts are bytes of the request, the others are arguments. */
export interface Command {
  readonly name: string;
  readonly parts: readonly (string | Evaluate)[];
}

export interface SetupCommand {
  readonly command: Command;
  readonly repeat: number;
  readonly ignoredErrors: RegExp | undefined;
}

/** A command after the run, whose reply must be right. */
export interface Verification {
  readonly name: string;
  readonly exchange: Exchange;
}
