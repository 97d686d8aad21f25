import { homedir } from 'node:os';
import { join } from 'node:path';
import { defineSettings, secret, type SettingsOf } from '@stackyard/kernel';
import { z } from 'zod';

const port = z.int().min(0).max(65_535);
/** A DNS name or an address. */
const dialled = z.string().regex(/^[A-Za-z0-9_.:-]{1,253}$/, 'use a host name or an address');
/** Until there are users with roles, nobody but this machine may reach the API. */
const loopback = z
  .string()
  .regex(/^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|::1)$/, 'use a loopback address, such as 127.0.0.1');

/**
 * How the server is to run: by flags, by variables such as STACKYARD_SERVER_HTTP_PORT, or by a YAML file. Its lists of
 * plugins and stacks make it a whole: nothing is loaded that they do not name.
 */
export const serverSettings = defineSettings(
  {
    dataDir: z
      .string()
      .min(1)
      .default(join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'stackyard/server')),
    databaseUrl: secret(z.url()).optional(),
    http: { host: loopback.default('127.0.0.1'), port: port.default(8080) },
    agents: { host: z.string().default('127.0.0.1'), port: port.default(7071) },
    /** Where hosts join, by HTTPS. */
    enrolment: { host: z.string().optional(), port: port.default(7072) },
    /** What hosts dial: a name or an address; else what agents and enrolment listen on, or the name of the machine. */
    advertisedHost: dialled.optional(),
    certificates: {
      /** Names and addresses for the certificate of the server, besides those of the machine. */
      names: z.array(dialled).default([]),
      /** Of agents and of the server. Shorter than a minute, a busy agent may be too late with its renewal. */
      lifeSeconds: z.int().min(60).max(31_536_000).default(604_800),
    },
    /** Advanced: how soon silence of an agent is noticed, and how soon what runs there is given up. */
    liveness: {
      heartbeatMs: z.int().min(200).max(60_000).default(5_000),
      leaseMs: z.int().min(3_000).max(3_600_000).default(30_000),
      lostAfterMs: z
        .int()
        .min(5_000)
        .max(7 * 86_400_000)
        .default(600_000),
    },
    /** How long history is kept, in days. */
    retention: {
      eventsDays: z.int().min(1).max(3_650).default(14),
      auditDays: z.int().min(1).max(36_500).default(400),
      lateResultsDays: z.int().min(1).max(3_650).default(90),
      logsDays: z.int().min(1).max(36_500).default(90),
    },
    packages: { origin: z.enum(['auto', 'url', 'maven']).default('auto'), mavenRepository: z.string().optional() },
    /** A folder of bundles to give to hosts instead of this installation's own agent: VERSION-x64.tar.gz and its like. */
    agentBundles: z.string().optional(),
    /** Packages by name. */
    plugins: z.array(z.string()).default(['@stackyard/plugin-prometheus', '@stackyard/plugin-ssh']),
    /** Packages by name, folders, or built artifacts (.tgz). */
    stacks: z.array(z.string()).default(['@stack/zookeeper']),
    logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  },
  { prefix: 'STACKYARD_SERVER_' },
);
export type ServerSettings = SettingsOf<typeof serverSettings>;
