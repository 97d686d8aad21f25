import type { Json } from '../manifest/expression.ts';
import type { ActionManifest } from '../manifest/manifest.ts';
import { called } from './callSite.ts';
import type { PropertyType } from './expression.ts';
import type { Host } from './host.ts';
import { type PropertyBuilder, propertyManifest } from './property.ts';

type Inputs = Readonly<Record<string, PropertyBuilder<PropertyType, unknown>>>;
/** The values that an action gets, by name. */
export type InputValues<I extends Inputs> = {
  readonly [N in keyof I]: I[N] extends PropertyBuilder<PropertyType, infer V> ? V : never;
};

/** A function of an action. What it gives back is shown to the operator. */
export type ActionFunction = (host: Host, input: Readonly<Record<string, Json>>) => Promise<Json | void> | Json | void;

export interface Action {
  readonly manifest: Omit<ActionManifest, 'name'>;
  readonly run: ActionFunction;
}

export interface ActionOptions<I extends Inputs> {
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
  readonly run: (host: Host, input: InputValues<I>) => Promise<Json | void> | Json | void;
}

/**
 * Something an operator can ask of a component besides its life.
 * @example
 * defineComponent('broker', { …, actions: {
 *   createTopic: action({
 *     title: 'Create a topic', help: 'Makes a topic with its partitions',
 *     input: { topic: p.text().help('Its name'), partitions: p.int(3).min(1).help('How many partitions') },
 *     run: async (host, { topic, partitions }) => { … },
 *   }),
 * } })
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
