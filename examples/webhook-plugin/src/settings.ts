import { defineSettings, secret, type SettingsOf } from '@stackyard/kernel';
import { z } from 'zod';

/** Of this plugin: by variables such as STACKYARD_WEBHOOK_URL, or by a YAML file named in STACKYARD_WEBHOOK_FILE. */
export const webhookSettings = defineSettings(
  {
    /** Where failed jobs are told; nothing is sent while it is not set. It may hold a token, so it is never shown. */
    url: secret(z.url({ protocol: /^https?$/ })).optional(),
    /** With it, every message has its HMAC-SHA256 in the header x-stackyard-signature. */
    secret: secret(z.string().min(16)).optional(),
    /** How often a message is tried before it is given up. */
    tries: z.int().min(1).max(20).default(5),
    /** Milliseconds before the second try; each further one waits twice as long. */
    waitMs: z.int().min(10).max(60_000).default(1_000),
  },
  { prefix: 'STACKYARD_WEBHOOK_', otherEnv: ['STACKYARD_WEBHOOK_FILE'] },
);
export type WebhookSettings = SettingsOf<typeof webhookSettings>;
