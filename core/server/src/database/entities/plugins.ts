import { defineEntity, p } from '@mikro-orm/core';

/** A document that a plugin keeps; `collection` is `<plugin>.<what>`. */
export const PluginRecord = defineEntity({
  name: 'PluginRecord',
  properties: {
    collection: p.string().primary(),
    key: p.string().primary(),
    value: p.json<object>(),
    updatedAt: p.datetime(),
  },
});
