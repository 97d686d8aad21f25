import { Clusters, Egress, Events, type EventTopic, type FollowOptions, type PlatformEvent } from '@stackyard/contract';
import { definePlugin, provide } from '@stackyard/kernel';
import { EventFollower } from '../api/eventFollower.ts';
import { ClusterPictures } from '../clusters/pictures.ts';
import { GuardedEgress } from '../egress/egress.ts';
import { Operations } from './operations.ts';
import { ServerOptions } from './options.ts';
import { Storage } from './storage.ts';

class WiredClusters extends ClusterPictures {
  constructor(operations: Operations) {
    super(() => operations.sources);
  }
}
provide(WiredClusters, Operations);

class WiredEvents implements Events {
  readonly #follower: EventFollower;

  constructor(storage: Storage) {
    this.#follower = new EventFollower(
      () => storage.db.sql,
      () => storage.writer,
    );
  }

  newest(): Promise<number> {
    return this.#follower.newest();
  }

  async *follow({ topics, after, signal }: FollowOptions): AsyncGenerator<PlatformEvent> {
    const start = after ?? (await this.newest());
    for await (const row of this.#follower.follow({ topics, clusterId: undefined }, start, signal)) {
      const { id, topic, clusterId, at, payload } = row;
      yield {
        id,
        topic: topic as EventTopic,
        clusterId: clusterId ?? undefined,
        at,
        payload: payload as PlatformEvent['payload'],
      };
    }
  }
}
provide(WiredEvents, Storage);

class WiredEgress extends GuardedEgress {
  constructor({ egress }: ServerOptions) {
    super({ allow: egress?.allow ?? [] });
  }
}
provide(WiredEgress, ServerOptions);

/** What platform plugins read of the server, and their way out. */
export const forPluginsPlugin = definePlugin({
  id: 'server.for-plugins',
  needs: [Operations, Storage, ServerOptions],
  register: (plugin) =>
    plugin.provide(Clusters, WiredClusters).provide(Events, WiredEvents).provide(Egress, WiredEgress),
});
