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

const scope = z.string().regex(/^@[a-z0-9~-][a-z0-9._~-]*$/, 'use a scope, such as @acme');

const registry = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use lower-case letters, digits and -'),
    url: z.url({ protocol: /^https?$/, error: 'use an address that begins with https://' }),
    /** Packages of these scopes come from here and from nowhere else; without any, all others do. */
    scopes: z.array(scope).default([]),
    token: z.string().min(1).optional(),
    /** Holds the token, instead of `token`. */
    tokenFile: z.string().min(1).optional(),
    /** Allows http, for a registry on this machine or in a network of one's own. */
    insecure: z.boolean().default(false),
    /** Other hosts, as name or name:port, that its tarballs may lie on. */
    hosts: z.array(z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'use name or name:port')).default([]),
  })
  .refine(({ url, insecure }) => insecure || url.startsWith('https:'), {
    path: ['url'],
    message: 'is not https; set insecure: true if this network can be trusted',
  })
  .refine(({ url }) => new URL(url).username === '' && new URL(url).password === '', {
    path: ['url'],
    message: 'has a login in it; use token or tokenFile',
  })
  .refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
    path: ['tokenFile'],
    message: 'is given beside token; leave one out',
  });

/** A JRE by its archive for each processor, as tar.gz with the sha512 that its makers publish. */
const javaRuntime = z.strictObject({
  version: z.string().regex(/^\d+(\.\d+)*([+_-][\w.]+)?$/, 'use the version of Java, such as 21.0.8'),
  url: z
    .array(
      z.strictObject({
        url: z.url({ protocol: /^https?$/, error: 'use an address that begins with https://' }),
        sha512: z.string().regex(/^[0-9a-f]{128}$/, 'use 128 hex digits'),
        arch: z.enum(['x64', 'arm64']).optional(),
      }),
    )
    .min(1),
});

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
    packages: {
      origin: z.enum(['auto', 'url', 'maven']).default('auto'),
      mavenRepository: z.string().optional(),
      /** What hosts get whose own JDKs do not suit a service: a JRE as its makers offer it. */
      javaRuntime: javaRuntime.optional(),
    },
    /** npm registries to install stacks from, in the order in which they are asked; no other is ever asked. */
    registries: z.array(registry).default([]),
    /** A folder of bundles to give to hosts instead of this installation's own agent: VERSION-x64.tar.gz and its like. */
    agentBundles: z.string().optional(),
    /** Names of packages (in `plugins` of the data directory, or beside the server), or folders. */
    plugins: z.array(z.string()).default(['@stackyard/plugin-prometheus', '@stackyard/plugin-ssh']),
    /** Plugins to leave out of these, by package, folder or id. */
    withoutPlugins: z.array(z.string()).default([]),
    /** Where plugins may send to although it is this machine or its link: `host:port` each. */
    egress: {
      allow: z.array(z.string().regex(/^[A-Za-z0-9.:[\]-]{1,255}:\d{1,5}$/, 'use host:port')).default([]),
    },
    /** Packages by name, folders, or built artifacts (.tgz). */
    stacks: z.array(z.string()).default(['@stack/zookeeper']),
    logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  },
  { prefix: 'STACKYARD_SERVER_' },
);
export type ServerSettings = SettingsOf<typeof serverSettings>;
