import { defineRoute, type Route, type Routes } from '@stackyard/contract';
import { defineError, provide } from '@stackyard/kernel';
import { z } from 'zod';
import { Notifier } from './notifier.ts';

export class NotConfiguredError extends defineError(
  'WEBHOOK_NOT_CONFIGURED',
  'No address to tell',
  (_: object) => 'No address is set. Set STACKYARD_WEBHOOK_URL and start the server again.',
) {}

export class WebhookRoutes implements Routes {
  readonly routes: readonly Route[];

  constructor(notifier: Notifier) {
    const getWebhook = defineRoute({
      method: 'GET',
      url: '/webhook',
      operationId: 'getWebhook',
      tag: 'webhook',
      summary: 'How telling failed jobs is going',
      description: 'Counts since the start of the server. The address is not shown: it may hold a token.',
      permission: { action: 'read', resource: 'server' },
      audit: 'none',
      answers: {
        200: {
          description: 'The state of the webhook',
          schema: z
            .object({
              configured: z.boolean(),
              delivered: z.int(),
              givenUp: z.int(),
              lastFailure: z.string().nullable(),
            })
            .meta({ id: 'Webhook' }),
        },
      },
      handle: async () => ({ body: notifier.delivery() }),
    });
    const testWebhook = defineRoute({
      method: 'POST',
      url: '/webhook/test',
      operationId: 'testWebhook',
      tag: 'webhook',
      summary: 'Send a message that says it is a test',
      description: 'Answers with the status that the address gave.',
      permission: { action: 'operate', resource: 'server' },
      audit: 'webhook.test',
      refusals: [
        { error: NotConfiguredError, status: 409 },
        { error: { code: 'EGRESS_REFUSED', title: 'Not allowed to go there' }, status: 409 },
        { error: { code: 'EGRESS_FAILED', title: 'No answer' }, status: 502 },
      ],
      answers: {
        200: { description: 'It was sent', schema: z.object({ status: z.int() }).meta({ id: 'WebhookTest' }) },
      },
      problems: [409, 502],
      handle: async () => {
        if (!notifier.delivery().configured) throw new NotConfiguredError({});
        return { body: await notifier.test() };
      },
    });
    this.routes = [getWebhook, testWebhook];
  }
}
provide(WebhookRoutes, Notifier);
