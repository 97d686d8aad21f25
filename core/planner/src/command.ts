import type { ConfigValues, Json } from './state.ts';

/** Which host components a command is for. Absent fields do not restrict. */
export interface Target {
  readonly service?: string | undefined;
  readonly component?: string | undefined;
  /** Host names. */
  readonly hosts?: readonly string[] | undefined;
}

/** A service to add, or components to add to one that is there. */
export interface Addition {
  /** Needed where several installed stacks offer the service or it is not in the cluster yet and ambiguous. */
  readonly stack?: string | undefined;
  readonly version?: string | undefined;
  readonly service: string;
  /** Host names by component. A component left out is placed by its cardinality and `prefer`; `[]` means none. */
  readonly components?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Sizes that the stack offers by a word: what they say holds where the request says nothing else. */
  readonly profile?: string | undefined;
  readonly config?: ConfigValues | undefined;
  /** By host name. */
  readonly overrides?: Readonly<Record<string, ConfigValues>> | undefined;
}

/** How host components take turns. Asking for it makes those take turns too whose definition does not. */
export interface Rolling {
  /** How many at once: a number, or a share of the component's host components such as `25%`; 1 when absent. */
  readonly batch?: number | `${number}%` | undefined;
  /** The job waits for a `resume` after the first batch of each component. */
  readonly pauseAfterFirst?: boolean | undefined;
  /** So many host components of a component may fail before the batches after them are given up; 0 when absent. */
  readonly tolerate?: number | undefined;
  /** Names of hosts that go first, in this order; the others follow by ordinal. */
  readonly order?: readonly string[] | undefined;
}

export type CommandRequest =
  | { readonly command: 'add'; readonly services: readonly Addition[] }
  | { readonly command: 'start' | 'stop' | 'check'; readonly target: Target }
  | { readonly command: 'restart'; readonly target: Target; readonly rolling?: Rolling | undefined }
  /** `config` and `overrides` replace the service's stored values first, when given; then what is stale is applied. */
  | {
      readonly command: 'configure';
      readonly target: Target;
      readonly config?: ConfigValues | undefined;
      readonly overrides?: Readonly<Record<string, ConfigValues>> | undefined;
      /** apply now (default), or only save */ readonly restart?: boolean | undefined;
      readonly rolling?: Rolling | undefined;
    }
  /** Takes a service to another installed version of its stack, newer or older. */
  | {
      readonly command: 'upgrade';
      readonly service: string;
      /** The stack it comes from when absent. */
      readonly stack?: string | undefined;
      /** Of the stack. */
      readonly version: string;
      readonly rolling?: Rolling | undefined;
    }
  /** `lost` removes host components of a host that will not come back: nothing runs there. */
  | {
      readonly command: 'remove';
      readonly target: Target;
      readonly data: 'keep' | 'delete';
      readonly lost?: boolean | undefined;
    }
  /** Something that a component offers. Without `on: 'each'` the lowest ordinal of the target that runs is asked. */
  | {
      readonly command: 'action';
      readonly target: Target;
      readonly action: string;
      readonly input?: Readonly<Record<string, Json>> | undefined;
      /** The operator knows what may be lost. */
      readonly agree?: boolean | undefined;
    }
  /** Empties host components before they go, or takes them in again. */
  | { readonly command: 'decommission' | 'recommission'; readonly target: Target };

export type RequestOf<C extends CommandRequest['command']> = Extract<CommandRequest, { readonly command: C }>;
