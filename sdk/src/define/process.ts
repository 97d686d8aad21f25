import type { Probe } from '../manifest/expression.ts';
import type { ProcessManifest } from '../manifest/manifest.ts';
import { called } from './callSite.ts';
import { concat, Expr, type Operand, self, toExpression } from './expression.ts';

/** What every process has. */
export interface Process {
  /** Its arguments, without a shell in between. A list property gives one for each of its texts. */
  readonly args?: readonly Operand[];
  /** Its environment, besides what the platform gives every process. */
  readonly env?: Readonly<Record<string, Operand>>;
  /** It has started when this probe is healthy. */
  readonly ready: Probe;
  /** How long the process may take to become ready; a minute when absent. */
  readonly readyMs?: number;
  /** How long it may take to end after SIGTERM before it is killed; half a minute when absent. */
  readonly stopMs?: number;
}

/** What `exec` takes. */
export interface ExecProcess extends Process {
  /** Absolute on the machine, a name on PATH, or with a `/` relative to the package. */
  readonly program: Operand;
}

/** What `java` takes. */
export interface JavaProcess extends Process {
  /** The main class. */
  readonly main: string;
  /** Entries relative to the package; `lib/*` when absent. The config directory always comes first. */
  readonly classPath?: readonly Operand[];
  /** Options of the JVM. A list property gives one option per item. */
  readonly jvm?: readonly Operand[];
}

/**
 * A process of any program.
 * @example
 * exec({ program: '/usr/bin/cached', args: [cfg.path], ready: tcp(cfg.port) })
 */
export function exec({
  program,
  args = [],
  env = {},
  ready,
  readyMs = 60_000,
  stopMs = 30_000,
}: ExecProcess): ProcessManifest {
  return called(
    {
      program: toExpression(program),
      args: args.map(toExpression),
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, toExpression(value)])),
      ready,
      readyMs,
      stopMs,
    },
    exec,
  );
}

/**
 * A process of the host's JDK.
 * @example
 * java({ main: 'org.example.Server', jvm: [concat('-Xmx', env.heap, 'm')], args: [cfg.path], ready: tcp(cfg.port) })
 */
export function java({ main, classPath = ['lib/*'], jvm = [], args = [], ...process }: JavaProcess): ProcessManifest {
  const entries = classPath.flatMap((entry) => [':', entry instanceof Expr ? entry : inPackage(String(entry))]);
  const all = [...jvm, '-cp', concat(self.configDir, ...entries), main, ...args];
  return called({ ...exec({ ...process, program: 'java', args: all }) }, java);
}

function inPackage(entry: string): Operand {
  if (entry.startsWith('/')) return entry;
  return entry === '.' ? self.packageDir : concat(self.packageDir, `/${entry}`);
}
