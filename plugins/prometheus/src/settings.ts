import { defineSettings } from '@stackyard/kernel';
import { z } from 'zod';

/** Of this plugin, by variables such as STACKYARD_PROMETHEUS_CONSOLE_URL. */
export const prometheusSettings = defineSettings(
  {
    /** Where people reach the console; alerts then link to the page of their service. */
    consoleUrl: z
      .url({ protocol: /^https?$/ })
      .regex(/^[\x21-\x7e]+$/)
      .refine((url) => !url.includes('{{'), 'use a plain URL')
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
  },
  { prefix: 'STACKYARD_PROMETHEUS_' },
);
