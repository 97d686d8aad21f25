import type { Json } from '../manifest/expression.ts';
import type { ActionManifest } from '../manifest/manifest.ts';
import { called } from './callSite.ts';
import type { PropertyType } from './expression.ts';
import type { Host } from './host.ts';
import { type PropertyBuilder, propertyManifest } from './property.ts';

/** What an action asks for: builders by name. */
export type Inputs = Readonly<Record<string, PropertyBuilder<PropertyType, unknown>>>;
/** The values that an action gets, by name. */
export type InputValues<I extends Inputs> = {
  readonly [N in keyof I]: I[N] extends PropertyBuilder<PropertyType, infer V> ? V : never;
};

/** A function of an action. What it gives back is shown to the operator. */
export type ActionFunction = (host: Host, input: Readonly<Record<string, Json>>) => Promise<Json | void> | Json | void;

/** An action as `action` gives it. */
export interface Action {
  /** What the manifest says of it. */
  readonly manifest: Omit<ActionManifest, 'name'>;
  /** What is run on the host. */
  readonly run: ActionFunction;
}

/**
 * What there is to say of an action.
 * @example
 * action({
 *   title: 'Rebalance',
 *   help: 'Spreads the data anew',
 *   input: { share: p.int(10).min(1).max(50).unit('%').help('How much of the network it may take') },
 *   on: 'each',
 *   danger: 'Requests are slow until it has ended',
 *   timeout: 3600,
 *   idempotent: true,
 *   run: async (host, { share }) => (await host.run('bin/rebalance', '--share', String(share))).stdout,
 * })
 */
export interface ActionOptions<I extends Inputs> {
  /** What people call it. */
  readonly title: string;
  /** One sentence for the operator, without a full stop. */
  readonly help: string;
  /** What the operator is asked for, as properties of a config are. */
  readonly input?: I;
  /** Run by each host component that is asked, or by one of them; `one` when absent. */
  readonly on?: 'each' | 'one';
  /** What may be lost, for an action that an operator has to agree to. */
  readonly danger?: string;
  /** Seconds; 600 when absent. */
  readonly timeout?: number;
  /** True where it may be tried again by itself. */
  readonly idempotent?: boolean;
  /** What it does; what it gives back is shown to the operator. */
  readonly run: (host: Host, input: InputValues<I>) => Promise<Json | void> | Json | void;
}

/**
 * Something an operator can ask of a component besides its life.
 * @example
 * actions: {
 *   createTopic: action({
 *     title: 'Create a topic',
 *     help: 'Makes a topic with its partitions',
 *     input: { topic: p.text().help('Its name'), partitions: p.int(3).min(1).help('How many partitions') },
 *     run: async (host, { topic, partitions }) => {
 *       const { stdout } = await host.run('bin/topics', '--create', topic, '--partitions', String(partitions));
 *       return { topic, said: stdout.trim() };
 *     },
 *   }),
 * }
 */
export function action<const I extends Inputs = {}>(options: ActionOptions<I>): Action {
  const { title, help, input, on = 'one', danger, timeout = 600, idempotent = false, run } = options;
  const manifest = called<Action['manifest']>(
    {
      title,
      help,
      input: Object.entries<PropertyBuilder<PropertyType, unknown>>(input ?? {}).map(([name, property]) =>
        called(propertyManifest(name, property, 'none'), action, property),
      ),
      on,
      ...(danger === undefined ? {} : { danger }),
      timeout,
      idempotent,
    },
    action,
  );
  return { manifest, run: run as unknown as ActionFunction };
}
