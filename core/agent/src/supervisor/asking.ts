import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WatchedComponent__Output } from '@stackyard/proto';
import type { Probe } from '@stackyard/sdk/manifest';
import { watchInputsOf } from '../envelope.ts';
import type { Definition } from '../phases/context.ts';
import type { ExecProbes } from '../probes/exec.ts';
import { type Answer, ask } from '../probes/probe.ts';
import { readState } from '../processes/state.ts';
import { writeDurably } from '../spool/durable.ts';

/** What all probes of a component said at one time. */
export interface Answers {
  readonly ready: Answer;
  readonly role: Answer | undefined;
  readonly health: Readonly<Record<string, Answer>>;
}

/** Asks all probes of a component side by side; `undefined` where it declares no process. */
export async function askAll(
  definition: Definition,
  { dir, programs }: { readonly dir: string; readonly programs: ExecProbes },
): Promise<Answers | undefined> {
  const { process, role, health } = definition.component;
  if (!process) return undefined;
  const processAlive = (): boolean => readState(dir).alive;
  const asked = (probe: Probe): Promise<Answer> => ask(definition, probe, { processAlive, programs });
  const [ready, roleAnswer, ...answers] = await Promise.all([
    asked(process.ready),
    role ? asked(role) : undefined,
    ...Object.values(health).map(asked),
  ]);
  return {
    ready,
    role: roleAnswer,
    health: Object.fromEntries(Object.keys(health).map((name, index) => [name, answers[index] ?? ready])),
  };
}

export function allWell({ ready, role, health }: Answers): boolean {
  return [ready, role ?? ready, ...Object.values(health)].every(({ ok }) => ok);
}

/**
 * The better of two ways to ask one process: a port that was changed and not yet applied is the newest value, and not
 * the one that the process listens on.
 */
export function better(newest: Answers, earlier: Answers): Answers {
  return allWell(earlier) || (earlier.ready.ok && !newest.ready.ok) ? earlier : newest;
}

type Given = Pick<WatchedComponent__Output, 'self' | 'values'>;

/** The values by which a component last answered to everything, kept beside its process for the next agent. */
export class Answering {
  readonly #file: string;
  #given: string | undefined;

  constructor(dir: string) {
    this.#file = join(dir, 'answering.json');
    try {
      this.#given = readFileSync(this.#file, 'utf8');
    } catch {
      // It has not answered yet, or its directory is gone.
    }
  }

  /** How to ask by those values; undefined where they are the newest ones, or are not known. */
  earlierThan(newest: Definition, given: WatchedComponent__Output): Definition | undefined {
    if (this.#given === undefined || this.#given === textOf(given)) return undefined;
    const earlier = JSON.parse(this.#given) as Given;
    return { ...newest, inputs: watchInputsOf({ ...given, ...earlier }) };
  }

  async remember(given: WatchedComponent__Output): Promise<void> {
    const text = textOf(given);
    if (this.#given === text) return;
    this.#given = text;
    // Where it cannot be kept it is known until this agent ends, which is when it matters least.
    await writeDurably(this.#file, text).catch(() => undefined);
  }
}

function textOf({ self, values }: WatchedComponent__Output): string {
  return JSON.stringify({ self, values } satisfies Given);
}
