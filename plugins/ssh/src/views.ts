import { z } from 'zod';
import { STATES } from './bootstrapHost.ts';
import { FAILURES } from './failure.ts';

const Port = z.int().min(1).max(65_535);
const Address = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:-]+$/, 'use a host name or an IP address');
const Name = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'use letters, digits, "." and "-"');
const Fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'use SHA256: and 43 characters, as OpenSSH shows it');

export const ProbeInput = z
  .strictObject({
    targets: z
      .array(z.string().min(1).max(10_000))
      .min(1)
      .max(1_000)
      .describe('Machines: node[01-20].example.org, zk1=10.0.0.7, comma-separated lists'),
    port: Port.optional().describe('Of SSH; 22 when absent'),
  })
  .meta({ id: 'ProbeInput', example: { targets: ['node[01-03].example.org'] } });

export const Probed = z
  .object({
    name: z.string(),
    address: z.string(),
    port: z.int(),
    key: z.object({ type: z.string(), fingerprint: z.string() }).nullable().describe('The host key it shows'),
    standing: z
      .enum(['new', 'known', 'changed', 'unreachable'])
      .describe('"known" was confirmed before; "changed" is another than was confirmed'),
    message: z.string().nullable(),
  })
  .meta({ id: 'ProbedMachine' });
export type Probed = z.infer<typeof Probed>;

export const Machine = z.strictObject({
  name: Name.describe('The name the host is to have'),
  address: Address.describe('Where SSH answers, and what other hosts reach it by'),
  port: Port.optional(),
  fingerprint: Fingerprint.optional().describe('The host key you confirm; not needed for one that is known'),
});

/** How a run goes about it. */
export const Manner = {
  root: z
    .string()
    .regex(/^\/$|^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, 'use an absolute path of letters, digits, ".", "_" and "-"')
    .optional()
    .describe('The root directory of the hosts on their machines; / when absent'),
  parallel: z.int().min(1).max(100).optional().describe('How many at once; 10 when absent'),
};

export const HostProgress = z
  .object({
    name: z.string(),
    address: z.string(),
    port: z.int(),
    state: z.enum(STATES),
    percent: z.int().nullable().describe('How much is copied'),
    failure: z.enum(FAILURES).nullable(),
    message: z.string().nullable(),
    at: z.string(),
  })
  .meta({ id: 'HostProgress' });
export type HostProgress = z.infer<typeof HostProgress>;

export const Bootstrap = z
  .object({
    id: z.uuid(),
    state: z.enum(['RUNNING', 'SUCCESSFUL', 'FAILED']),
    user: z.string(),
    method: z.enum(['password', 'key', 'agent']),
    sudo: z.boolean(),
    root: z.string(),
    parallel: z.int(),
    retryOf: z.uuid().nullable(),
    createdBy: z.string(),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
    hosts: z.array(HostProgress),
  })
  .meta({ id: 'Bootstrap' });
export type Bootstrap = z.infer<typeof Bootstrap>;

export const KnownHostKey = z
  .object({ type: z.string(), fingerprint: z.string(), acceptedAt: z.string(), acceptedBy: z.string() })
  .meta({ id: 'KnownHostKey' });
