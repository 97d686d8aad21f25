import { token } from '@stackyard/kernel';

export const EVENT_TOPICS = ['cluster', 'service', 'component', 'host', 'job', 'task', 'package', 'stack'] as const;
export type EventTopic = (typeof EVENT_TOPICS)[number];

/** Something that happened and is committed. */
export interface PlatformEvent {
  /** Grows in the order of commits. */
  readonly id: number;
  readonly topic: EventTopic;
  readonly clusterId: string | undefined;
  readonly at: Date;
  /** What it says, as `GET /api/v1/events` shows it; `kind` tells what else is there. */
  readonly payload: { readonly kind: string } & Readonly<Record<string, unknown>>;
}

export interface FollowOptions {
  readonly topics?: readonly EventTopic[];
  /** Id of the last event that is known; from now on when absent. */
  readonly after?: number | undefined;
  /** Ends the iterable when it is aborted. */
  readonly signal: AbortSignal;
}

/** What happens, in the order of commits and without gaps as long as it is kept (`retention.eventsDays`). */
export interface Events {
  /** Id of the newest event; 0 before the first. */
  newest(): Promise<number>;
  /** Events as they are committed. A consumer that remembers the id of the last one goes on where it was. */
  follow(options: FollowOptions): AsyncIterable<PlatformEvent>;
}
export const Events = token<Events>('contract.Events');
