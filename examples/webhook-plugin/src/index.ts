import { Egress, Events, Records, Routes } from '@stackyard/contract';
import { definePlugin, Logger, type Plugin } from '@stackyard/kernel';
import { JobNotifier, Notifier, WebhookOptions } from './notifier.ts';
import { WebhookRoutes } from './routes.ts';
import { webhookSettings, type WebhookSettings } from './settings.ts';

/** Tells a web address when a job fails. */
export function webhook(readSettings: () => WebhookSettings): Plugin {
  return definePlugin({
    id: 'webhook',
    needs: [Events, Records, Egress, Logger],
    register: (plugin) =>
      plugin.value(WebhookOptions, readSettings()).provide(Notifier, JobNotifier).contribute(Routes, WebhookRoutes),
    start: (plugin) => plugin.resolve(Notifier).start(),
  });
}

export default webhook(() =>
  webhookSettings.read({ env: process.env, ...fileOf(process.env['STACKYARD_WEBHOOK_FILE']) }),
);

function fileOf(file: string | undefined) {
  return file ? { file } : {};
}
