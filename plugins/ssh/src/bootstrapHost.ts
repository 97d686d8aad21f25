import { setTimeout as delay } from 'node:timers/promises';
import type { AgentBundle, Architecture, HostJoining } from '@stackyard/contract';
import { StackyardError } from '@stackyard/kernel';
import { HostFailure, scriptFailure } from './failure.ts';
import type { HostKey } from './hostKeys.ts';
import type { Proof } from './credentials.ts';
import { firstLine, quoted, SshSession } from './session.ts';
import type { Target } from './targets.ts';

/** How far a host is. */
export const STATES = [
  'WAITING',
  'CONNECTING',
  'CHECKING',
  'COPYING',
  'INSTALLING',
  'STARTING',
  'JOINED',
  'FAILED',
] as const;
export type HostState = (typeof STATES)[number];

export interface HostBootstrap {
  readonly target: Target;
  readonly user: string;
  readonly proof: Proof;
  readonly sudo: boolean;
  readonly sudoPassword: string | undefined;
  /** The root directory of the host on that machine. */
  readonly root: string;
  readonly issuedBy: string;
  readonly verify: (key: HostKey) => void;
  readonly progress: (state: HostState, details?: { readonly percent?: number; readonly message?: string }) => void;
  readonly signal: AbortSignal;
}

const CONNECTED_WITHIN_MS = 30_000;
/** How long cleaning up may hold up a server that stops. */
const TIDY_MS = 2_000;
/** Room for the bundle where it is copied to. */
const NEEDED_KB = 128 * 1024;

/** One line each: system, processor, user id, free kilobytes of /tmp, and the name under which an agent is here already. */
const look = [
  'uname -s',
  'uname -m',
  'id -u',
  'df -Pk /tmp 2>/dev/null | tail -n 1 | { read -r _ _ _ free _; echo "${free:-0}"; }',
].join('; ');

const architectures: Readonly<Record<string, Architecture>> = { 'Linux x86_64': 'x64', 'Linux aarch64': 'arm64' };

/**
 * Brings one machine in: logs in, looks whether it can be a host, copies agent and script, runs the script and waits
 * until the server reaches the agent. Whatever happens, nothing copied stays.
 *
 * @returns a sentence
 * @throws HostFailure
 */
export async function bootstrapHost(joining: HostJoining, host: HostBootstrap): Promise<string> {
  const { target, progress, signal } = host;
  progress('CONNECTING');
  const session = await SshSession.open({ ...target, user: host.user, proof: host.proof, verify: host.verify, signal });
  let dir: string | undefined;
  const tidy = async (): Promise<void> => {
    if (dir !== undefined) await session.run(`rm -rf ${quoted(dir)}`).catch(() => undefined);
  };
  const abort = (): void =>
    void Promise.race([tidy(), delay(TIDY_MS, undefined, { ref: false })]).finally(() => session.destroy());
  signal.addEventListener('abort', abort, { once: true });
  try {
    progress('CHECKING');
    const { architecture, become } = await examine(session, host);
    if (await isHere(session, host, become, joining)) return 'It has joined before, and its agent is connected.';
    const bundle = await bundleFor(joining, architecture);
    dir = await privateDirectory(session);
    await copy(session, { dir, bundle, joining, progress });
    progress('INSTALLING');
    await install(session, { dir, bundle, joining, become, host });
    await connected(joining, target, signal);
    return `It has joined, with version ${bundle.version}.`;
  } finally {
    signal.removeEventListener('abort', abort);
    await tidy();
    session.end();
    signal.throwIfAborted();
  }
}

/** How commands become root's: what goes before them, and what sudo wants to read first. */
interface Become {
  readonly prefix: string;
  readonly input: string;
}

async function examine(
  session: SshSession,
  { target, sudo, sudoPassword, user, root }: HostBootstrap,
): Promise<{ architecture: Architecture; become: Become }> {
  const { stdout } = await session.run(look);
  const [system = '', processor = '', uid = '', free = ''] = stdout.trim().split('\n');
  const architecture = architectures[`${system} ${processor}`];
  if (!architecture)
    throw new HostFailure(
      'ARCHITECTURE',
      `There is no agent for ${firstLine(`${system} ${processor}`)}, only for Linux on x86_64 and aarch64.`,
    );
  if (Number(free) < NEEDED_KB)
    throw new HostFailure(
      'NO_SPACE',
      `Only ${Math.floor(Number(free) / 1024)} MB are free in /tmp of ${target.address}, and ${NEEDED_KB / 1024} are needed for the copy.`,
    );
  if (uid === '0' || (!sudo && root !== '/')) return { architecture, become: { prefix: '', input: '' } };
  if (!sudo)
    throw new HostFailure(
      'NOT_ROOT',
      `${user} is not root on ${target.address}. Log in as root, or allow sudo to be used.`,
    );
  return { architecture, become: await becomeRoot(session, { user, sudoPassword, address: target.address }) };
}

async function becomeRoot(
  session: SshSession,
  { user, sudoPassword, address }: { user: string; sudoPassword: string | undefined; address: string },
): Promise<Become> {
  const free = await session.run('LC_ALL=C sudo -k -n true');
  if (free.code === 0) return { prefix: 'sudo -k -n ', input: '' };
  if (free.code === 127 || /not found/.test(free.stderr))
    throw new HostFailure('NOT_ROOT', `There is no sudo on ${address}. Log in as root.`);
  if (sudoPassword === undefined)
    throw new HostFailure('SUDO_PASSWORD', `sudo on ${address} asks ${user} for a password. Give it.`);
  const asked = await session.run("LC_ALL=C sudo -k -S -p '' true", { input: `${sudoPassword}\n` });
  if (asked.code === 0) return { prefix: "sudo -k -S -p '' ", input: `${sudoPassword}\n` };
  if (/not in the sudoers|not allowed/i.test(asked.stderr))
    throw new HostFailure('NOT_ROOT', `${user} may not use sudo on ${address}. Allow it there, or log in as root.`);
  throw new HostFailure('SUDO_PASSWORD', `sudo on ${address} does not take the password of ${user}.`);
}

/** @throws HostFailure NAME_TAKEN when the agent of that name is on another machine */
async function isHere(
  session: SshSession,
  host: HostBootstrap,
  become: Become,
  joining: HostJoining,
): Promise<boolean> {
  const { name } = host.target;
  if (!(await joining.isReachable(name))) return false;
  const base = `${host.root.replace(/\/$/, '')}/opt/stackyard-agent`;
  const { stdout, stderr } = await session.run(`LC_ALL=C ${become.prefix}cat ${quoted(`${base}/agent.args`)}`, {
    input: become.input,
  });
  if (/permission denied/i.test(stderr))
    throw new HostFailure(
      'NOT_ROOT',
      `${host.user} may not look at the agent that is on ${host.target.address}. Log in as root, or allow sudo to be used.`,
    );
  const args = stdout.split('\n');
  if (args[args.indexOf('--name') + 1] === name) return true;
  throw new HostFailure(
    'NAME_TAKEN',
    `A host called ${name} is connected already, from another machine. Choose another name, or stop the agent there.`,
  );
}

async function bundleFor(joining: HostJoining, architecture: Architecture): Promise<AgentBundle> {
  try {
    return await joining.bundle(architecture);
  } catch (error) {
    throw new HostFailure('BUNDLE_UNAVAILABLE', (error as Error).message, { cause: error });
  }
}

async function privateDirectory(session: SshSession): Promise<string> {
  const { code, stdout, stderr } = await session.run('umask 077 && mktemp -d /tmp/stackyard-bootstrap-XXXXXXXXXX');
  const dir = stdout.trim();
  if (code !== 0 || !/^\/tmp\/stackyard-bootstrap-\w+$/.test(dir))
    throw new HostFailure('COPY', `No directory could be made in /tmp: ${firstLine(stderr)}.`);
  return dir;
}

async function copy(
  session: SshSession,
  {
    dir,
    bundle,
    joining,
    progress,
  }: { dir: string; bundle: AgentBundle; joining: HostJoining; progress: HostBootstrap['progress'] },
): Promise<void> {
  progress('COPYING', { percent: 0 });
  let told = 0;
  const file = `${dir}/bundle.tar.gz`;
  await session.write(`${dir}/join.sh`, { text: await joining.joinScript() });
  await session.write(`${dir}/ca.pem`, { text: joining.terms().authority });
  await session.write(file, { file: bundle.path }, (sum) => {
    const percent = Math.floor((sum / bundle.size) * 100);
    if (percent <= told) return;
    told = percent;
    progress('COPYING', { percent });
  });
  const { stdout } = await session.run(`sha256sum <${quoted(file)}`);
  if (stdout.slice(0, 64) !== bundle.sha256)
    throw new HostFailure('COPY', 'The bundle did not arrive as it was sent: its digest differs. Retry it.');
}

async function install(
  session: SshSession,
  {
    dir,
    bundle,
    joining,
    become,
    host,
  }: { dir: string; bundle: AgentBundle; joining: HostJoining; become: Become; host: HostBootstrap },
): Promise<void> {
  const { target, root, issuedBy, progress } = host;
  const { server, enrol, authoritySha256 } = joining.terms();
  const token = await joining.issueToken({ name: target.name, issuedBy }).catch((error: unknown) => {
    if (error instanceof StackyardError) throw new HostFailure('NAME_TAKEN', error.message, { cause: error });
    throw error;
  });
  const values = {
    server,
    enrol,
    ca: `${dir}/ca.pem`,
    'ca-sha256': authoritySha256,
    name: target.name,
    root,
    address: target.address,
    bundle: `${dir}/bundle.tar.gz`,
    'bundle-sha256': bundle.sha256,
  };
  const flags = Object.entries(values).map(([name, value]) => `--${name} ${quoted(value)}`);
  // The token goes in by standard input: arguments and environments can be read by others.
  const { code, stderr } = await session.run(
    `${become.prefix}sh ${quoted(`${dir}/join.sh`)} ${flags.join(' ')} --token-stdin`,
    {
      input: `${become.input}${token}\n`,
      onOutput: (text) => {
        if (/let .* join|joined before/.test(text)) progress('STARTING');
      },
    },
  );
  if (code !== 0) throw scriptFailure(code, stderr);
}

async function connected(joining: HostJoining, { name }: Target, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + CONNECTED_WITHIN_MS;
  while (!(await joining.isReachable(name))) {
    if (performance.now() > deadline)
      throw new HostFailure(
        'NOT_CONNECTED',
        `The agent says that it is connected, but the server has not heard of it. See var/log/stackyard/agent.log there.`,
      );
    await delay(100, undefined, { signal });
  }
}
