import { accessSync, constants, readdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { runsBelow } from './leftBehind.ts';
import { type Listener, listenerOn, listenProblem } from './ports.ts';

export interface Preflight {
  readonly dir: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** What is to be brought up. */
  readonly stacks: readonly string[];
  /** A product is still to be fetched. */
  readonly needsMaven: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const JDK = 11;
/** Of a member of the ensemble: clients, followers, election, metrics, admin server. */
const MEMBER_PORTS = [2181, 2888, 3888, 7000, 9393];
const GIB = 2 ** 30;
const MEMORY_MIB = 3_072;

/** What would stop the demo, each in a sentence that says what to do. Nothing is changed. */
export async function preflight(wanted: Preflight): Promise<string[]> {
  const { dir, port, addresses, stacks, needsMaven, env } = wanted;
  if (process.platform !== 'linux')
    return ['The local hosts of the demo run on Linux only. Start it in a Linux virtual machine or container.'];
  const problems = [
    await portProblem(port),
    ...(await Promise.all(addresses.map(addressProblem))),
    stacks.includes('@stack/zookeeper') ? await memberProblem(addresses, dir) : undefined,
    jdkProblem(env),
    mavenProblem(needsMaven, env),
    diskProblem(dir, stacks.length > 1 ? 4 : 1),
    stacks.length > 1 ? memoryProblem() : undefined,
  ];
  return problems.filter((problem) => problem !== undefined);
}

async function portProblem(port: number): Promise<string | undefined> {
  const code = port === 0 ? undefined : await listenProblem('127.0.0.1', port);
  if (code === undefined) return undefined;
  if (code === 'EACCES') return `Port ${port} needs root rights. Choose one above 1023 by --port.`;
  return `Port ${port} is taken${by(listenerOn(port, '127.0.0.1'))}. Stop what listens there, or choose another by --port ${port + 1}.`;
}

/** One sentence however many ports are taken: who has one has the others too. What runs below our folder is our own. */
async function memberProblem(addresses: readonly string[], dir: string): Promise<string | undefined> {
  for (const address of addresses) {
    for (const port of MEMBER_PORTS) {
      if ((await listenProblem(address, port)) !== 'EADDRINUSE') continue;
      const listener = listenerOn(port, address);
      if (listener && runsBelow(listener.pid, dir)) continue;
      return `Port ${port} on ${address} is taken${by(listener)}, and ZooKeeper needs it there. Stop that program, or choose other addresses by --address 127.0.1.11.`;
    }
  }
  return undefined;
}

function by(listener: Listener | undefined): string {
  return listener ? ` by ${listener.name} (process ${listener.pid})` : '';
}

async function addressProblem(address: string): Promise<string | undefined> {
  const code = await listenProblem(address, 0);
  return code === undefined
    ? undefined
    : `The address ${address} cannot be used (${code}). Give the loopback interface the addresses 127.0.0.0/8, as is usual on Linux.`;
}

function diskProblem(dir: string, gibibytes: number): string | undefined {
  const { bavail, bsize } = statfsSync(dir);
  const free = bavail * bsize;
  if (free >= gibibytes * GIB) return undefined;
  return `The disk of ${dir} has ${Math.floor(free / 2 ** 20)} MiB left, and the demo needs ${gibibytes} GiB. Free some, or choose another folder by --data-dir.`;
}

/** Several products run as a dozen JVMs, small as they are. */
function memoryProblem(): string | undefined {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  const mebibytes = Math.floor(Number(available ?? Infinity) / 1024);
  if (mebibytes >= MEMORY_MIB) return undefined;
  return `This machine has ${mebibytes} MiB of memory left, and these stacks need ${MEMORY_MIB} MiB together. End something, or bring up fewer by --stack.`;
}

function mavenProblem(needed: boolean, env: Preflight['env']): string | undefined {
  if (!needed || inPath('mvn', env) !== undefined) return undefined;
  return 'Maven (mvn) was not found, and the products are fetched by it. Install it (on Debian: apt install maven) and start again.';
}

/** @returns undefined when there is a JDK that is new enough */
export function jdkProblem(
  env: Preflight['env'],
  roots: readonly string[] = ['/usr/lib/jvm', '/usr/java', '/opt/java', '/opt/jdk'],
): string | undefined {
  const java = inPath('java', env);
  const homes = [
    env['JAVA_HOME'],
    java && dirname(dirname(realpathSync(java))),
    ...roots.flatMap((root) => [root, ...children(root)]),
  ];
  const versions = homes.flatMap((home) => (home ? (versionOf(home) ?? []) : []));
  if (versions.some((version) => majorOf(version) >= JDK)) return undefined;
  const what =
    versions.length > 0
      ? `Java ${versions.join(', ')} is too old: ZooKeeper needs ${JDK} or newer.`
      : 'No Java was found, and ZooKeeper runs on it.';
  return `${what} Install a JDK (on Debian: apt install openjdk-17-jdk-headless), or set JAVA_HOME.`;
}

function versionOf(home: string): string | undefined {
  try {
    return /^JAVA_VERSION="(.+)"$/m.exec(readFileSync(join(home, 'release'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** 8 for "1.8.0_402", 17 for "17.0.15". */
function majorOf(version: string): number {
  const [first, second] = version.split('.');
  return Number(first === '1' ? second : first);
}

function children(dir: string): string[] {
  try {
    return readdirSync(dir).map((name) => join(dir, name));
  } catch {
    return [];
  }
}

function inPath(program: string, env: Preflight['env']): string | undefined {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
