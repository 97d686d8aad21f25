import { PHASES } from '@stackyard/domain';
import { z } from 'zod';
import { ConfigManifest, Name, PropertyManifest, PropertyName } from './config.ts';
import { Expression, Json, Probe, PropertyRef } from './expression.ts';

/** A product's own archive and where it comes from. */
export const PackageManifest = z.strictObject({
  name: Name,
  version: z.string(),
  origins: z.strictObject({
    url: z
      .array(
        z.strictObject({
          url: z.string(),
          sha512: z.string().regex(/^[0-9a-f]{128}$/),
          arch: z.enum(['x64', 'arm64']).optional(),
        }),
      )
      .optional(),
    maven: z
      .strictObject({
        /** Coordinates whose dependencyManagement gives the missing versions. */
        bom: z.string().optional(),
        /** `group:artifact[:version]`: these jars and their runtime closure become lib/. */
        artifacts: z.array(z.string()).optional(),
        /** `group:artifact:extension[:classifier]:version`: a ready archive. */
        archive: z.string().optional(),
        exclusions: z.array(z.string()).optional(),
      })
      .optional(),
    pypi: z
      .strictObject({
        /** The project in the index of Python packages. */
        project: z.string(),
        /** The folder of the wheel that becomes the package; all of it when absent. */
        folder: z.string().optional(),
        /** Wheels by their file names; the one of a processor where they differ. */
        wheels: z.array(
          z.strictObject({
            file: z.string(),
            sha512: z.string().regex(/^[0-9a-f]{128}$/),
            arch: z.enum(['x64', 'arm64']).optional(),
          }),
        ),
      })
      .optional(),
  }),
  /** The folder inside the archive to take as its root; the single top folder when absent. */
  root: z.string().optional(),
  /** sha256 of the content list (path and sha256 of every file). */
  digest: z.string().optional(),
});
export type PackageManifest = z.infer<typeof PackageManifest>;

export const ProcessManifest = z.strictObject({
  /** Absolute, or relative to the package; `java` runs the host's JDK. */
  program: Expression,
  args: z.array(Expression),
  env: z.record(z.string(), Expression),
  ready: Probe,
  /** How long the process may take to become ready. */
  readyMs: z.number().int().positive(),
  /** How long it may take to end after SIGTERM before it is killed. */
  stopMs: z.number().int().positive(),
});
export type ProcessManifest = z.infer<typeof ProcessManifest>;

/** A file written beside the configs, such as myid. */
export const FileManifest = z.strictObject({
  in: PropertyRef,
  name: z.string(),
  content: Expression,
});

export const Cardinality = z.string().regex(/^(all|\d+|\d+\+|\d+-\d+)$/, "use '1', '1+', '0-1', '3-5' or 'all'");

export const DependencyManifest = z.strictObject({
  /** `component` of this service, or `service/component`. */
  on: z.string(),
  /** The phase of this component that waits … */
  phase: z.enum(['install', 'configure', 'init', 'start', 'prepare', 'check']),
  /** … for this phase of the other one. */
  after: z.enum(['install', 'configure', 'init', 'start', 'prepare', 'check']),
});
export type DependencyManifest = z.infer<typeof DependencyManifest>;

/** A component that must be, or must not be, on the same host, and why. */
export const NeighbourManifest = z.strictObject({ component: z.string(), why: z.string().optional() });
export type NeighbourManifest = z.infer<typeof NeighbourManifest>;

/** Something an operator can ask of a component besides its life: typed input, a function of the stack. */
export const ActionManifest = z.strictObject({
  name: z.string().regex(/^[a-z][A-Za-z0-9_-]{0,62}$/, 'use letters, digits, _ and -, starting with a small letter'),
  title: z.string(),
  help: z.string(),
  input: z.array(PropertyManifest),
  /** Run by every host component that is asked, or by one of them: the lowest ordinal that runs. */
  on: z.enum(['each', 'one']),
  /** What an operator has to agree to first: the sentence that says what may be lost. */
  danger: z.string().optional(),
  /** Seconds. */
  timeout: z.number().positive(),
  idempotent: z.boolean(),
});
export type ActionManifest = z.infer<typeof ActionManifest>;

/** How a host component is emptied before it goes. */
export const DecommissionManifest = z.strictObject({
  /** The component whose lowest running host component runs the functions; the leaving one itself when absent. */
  by: Name.optional(),
  /** Seconds. */
  timeout: z.number().positive(),
});
export type DecommissionManifest = z.infer<typeof DecommissionManifest>;

/** Where the recommender puts a component that the operator does not place. */
export const PlaceManifest = z.strictObject({
  /** How many hosts; three, or an odd number, within the cardinality, when absent. */
  hosts: Expression.optional(),
  /** Of a host by its facts: the highest come first, the least loaded among equals. */
  score: Expression.optional(),
});
export type PlaceManifest = z.infer<typeof PlaceManifest>;

export const AlertManifest = z.strictObject({
  name: z.string().regex(/^[A-Z][A-Za-z0-9]{0,62}$/, 'use a name such as ZooKeeperNoQuorum'),
  severity: z.enum(['critical', 'warning', 'info']),
  /** PromQL. `$labels` stands for the labels of the service in its cluster and has to be in every selector. */
  expr: z.string(),
  /** Seconds for which it must hold. */
  for: z.number().int().nonnegative(),
  /** One sentence that says what is wrong; `{{ $labels.host }}` and `{{ $value }}` as in Prometheus. */
  summary: z.string(),
  /** What an operator can do about it. */
  remedy: z.string(),
});
export type AlertManifest = z.infer<typeof AlertManifest>;

export const PanelManifest = z.strictObject({
  title: z.string(),
  kind: z.enum(['timeseries', 'stat', 'table']),
  /** A unit of Grafana, such as `ms`, `bytes` or `reqps`. */
  unit: z.string().optional(),
  queries: z.array(z.strictObject({ expr: z.string(), legend: z.string().optional() })).min(1),
});
export const DashboardManifest = z.strictObject({
  name: Name,
  title: z.string(),
  panels: z.array(PanelManifest).min(1),
});
export type DashboardManifest = z.infer<typeof DashboardManifest>;

/** Phases for which a component may have a function; actions have their own place. */
export const LifecyclePhase = z.enum(PHASES).exclude(['action']);

const UserName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'use the name of a user: lower-case letters, digits, _ and -');

export const ComponentManifest = z.strictObject({
  name: Name,
  title: z.string(),
  /** Whose its processes and files are, where that is not the service's user. */
  user: UserName.optional(),
  category: z.enum(['server', 'client']),
  cardinality: Cardinality,
  prefer: z.enum(['odd']).optional(),
  /** Names of configs of the service that this component gets on its hosts. */
  configs: z.array(z.string()),
  files: z.array(FileManifest),
  /** Directories that are made at install and kept as data at removal. */
  dirs: z.array(PropertyRef),
  process: ProcessManifest.optional(),
  /** Phases for which the artifact's lifecycle bundle has a function; all others are the platform's. */
  lifecycle: z.array(LifecyclePhase),
  /** Phases that exist although they have neither a process nor a function say nothing and are left out of plans. */
  after: z.array(DependencyManifest),
  /** Host components restart one after the other, each healthy before the next. */
  rolling: z.boolean(),
  /** In turns, host components with this role come last. */
  lastRole: z.string().optional(),
  /** In turns, all of it comes after all of this component of the service. */
  turnsAfter: Name.optional(),
  /** Seconds after which a phase is ended, by phase; 600 where not given. */
  timeouts: z.partialRecord(LifecyclePhase, z.number().positive()),
  /** False where a phase must not be tried again by itself. */
  idempotent: z.partialRecord(LifecyclePhase, z.boolean()),
  health: z.record(z.string(), Probe),
  role: Probe.optional(),
  metrics: z.strictObject({ port: Expression, path: z.string(), charts: z.record(z.string(), z.string()) }).optional(),
  links: z.record(z.string(), z.strictObject({ port: Expression, path: z.string() })),
  /** Only where these components of the service are. */
  with: z.array(NeighbourManifest).optional(),
  /** Not on the same host as these components: `component` of this service, or `service/component`. */
  notWith: z.array(NeighbourManifest).optional(),
  place: PlaceManifest.optional(),
  actions: z.array(ActionManifest).optional(),
  decommission: DecommissionManifest.optional(),
});
export type ComponentManifest = z.infer<typeof ComponentManifest>;

export const OS_FAMILIES = ['debian', 'redhat', 'suse'] as const;
export type OsFamily = (typeof OS_FAMILIES)[number];
const OsPackageName = z.string().regex(/^[a-z0-9][a-z0-9+._-]{0,99}$/, 'use the name of a package');

/** Sizes that go together, by the word that an operator takes them by. */
export const ProfileManifest = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'use a word such as small'),
  help: z.string(),
  /** By config and property. */
  values: z.record(z.string(), z.record(z.string(), Json)),
  /** By component: on how many hosts it goes where nobody says where. */
  hosts: z.record(z.string(), z.number().int().nonnegative()),
});
export type ProfileManifest = z.infer<typeof ProfileManifest>;

export const ServiceManifest = z.strictObject({
  name: Name,
  title: z.string(),
  description: z.string().optional(),
  version: z.string(),
  user: UserName,
  license: z.string().optional(),
  packages: z.array(PackageManifest),
  requires: z.strictObject({
    /** A semver range of the JDK's feature version, such as `>=11`. */
    jdk: z.string().optional(),
    /** Packages of the operating system by family, such as `{ debian: ['redis-server'] }`; a host of another family is refused. */
    os: z.partialRecord(z.enum(OS_FAMILIES), z.array(OsPackageName).min(1)).optional(),
    services: z.array(z.strictObject({ service: Name, range: z.string(), optional: z.boolean().optional() })),
  }),
  configs: z.array(ConfigManifest),
  components: z.array(ComponentManifest),
  /** Values offered to other services, such as a connect string. */
  exports: z.record(PropertyName, Expression),
  /** Product versions from which an upgrade to this one works, and those to which it can be taken back. */
  upgrade: z.strictObject({ from: z.string(), backTo: z.string().optional() }).optional(),
  /** What no cluster may be like: conditions, each with the sentence that a plan is refused with. */
  rules: z.array(z.strictObject({ refuse: Expression, message: z.string().min(1) })).optional(),
  profiles: z.array(ProfileManifest).optional(),
  alerts: z.array(AlertManifest).optional(),
  dashboards: z.array(DashboardManifest).optional(),
});
export type ServiceManifest = z.infer<typeof ServiceManifest>;

/** All that the server ever reads of a stack: closed, schema-checked data without a function. */
export const StackManifest = z.strictObject({
  format: z.literal(1),
  name: z.string().regex(/^(@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]*$/),
  version: z.string(),
  sdk: z.string(),
  title: z.string(),
  description: z.string().optional(),
  services: z.array(ServiceManifest),
});
export type StackManifest = z.infer<typeof StackManifest>;
