import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/** One row: who this installation is, and the epoch that fences older servers. */
export const Installation = defineEntity({
  name: 'Installation',
  properties: {
    id: p.integer().primary(),
    installId: p.uuid(),
    epoch: p.bigint('number'),
    /** Raised by every commit of the one writer under this epoch: tells whether a commit without an answer happened. */
    commitNo: p.bigint('number').default(0),
    createdAt: p.datetime(),
  },
});

export type InstallationRow = InferEntity<typeof Installation>;
