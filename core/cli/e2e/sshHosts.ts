import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './world.ts';

const TOOLS = [
  '/usr/sbin/sshd',
  '/usr/bin/ssh-keygen',
  '/usr/bin/sudo',
  '/usr/bin/unshare',
  '/usr/bin/nsenter',
  '/usr/bin/perl',
];

/** What is missing for hosts of their own on this machine; undefined when nothing is. */
export function missingForSshHosts(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'root on Linux';
  const ip = spawnSync('ip', ['netns', 'list'], { stdio: 'ignore' });
  if (ip.error !== undefined || ip.status !== 0) return 'iproute2 with network namespaces';
  return TOOLS.find((tool) => !existsSync(tool));
}

export interface SshHost {
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  /** What lies there is the host's own; inside, its root directory is `HOST_ROOT`. */
  readonly dir: string;
  sshd: ChildProcess | undefined;
}

/** The root directory of every host, seen from inside it. */
export const HOST_ROOT = '/run/host';

/** Who may log in, by which password or key; `ops` becomes root by sudo with the same password. */
export interface Accounts {
  readonly rootPassword: string;
  readonly opsPassword: string;
}

/**
 * Machines that are none: a network namespace each, on one bridge with this machine, with a real sshd that sees accounts
 * and a root directory of its own. `close` ends and removes everything, whatever state it is in.
 */
export class SshHosts {
  readonly dir: string;
  /** Where this machine is reached from them. */
  readonly gateway: string;
  readonly hosts = new Map<string, SshHost>();
  readonly #bridge: string;
  readonly #net: string;

  private constructor(dir: string, net: string) {
    this.dir = dir;
    this.#net = net;
    this.gateway = `${net}.1`;
    this.#bridge = `sy${process.pid % 100_000}br`;
  }

  static async start(names: readonly string[], accounts: Accounts): Promise<SshHosts> {
    const dir = await mkdtemp(join(tmpdir(), 'stackyard-ssh-hosts-'));
    await chmod(dir, 0o755);
    const hosts = new SshHosts(dir, `10.${100 + (process.pid % 100)}.${Math.floor(Math.random() * 250)}`);
    try {
      ip('link', 'add', hosts.#bridge, 'type', 'bridge');
      ip('addr', 'add', `${hosts.gateway}/24`, 'dev', hosts.#bridge);
      ip('link', 'set', hosts.#bridge, 'up');
      await hosts.#writeAccounts(accounts);
      for (const [index, name] of names.entries()) await hosts.#add(name, index);
      return hosts;
    } catch (error) {
      await hosts.close();
      throw error;
    }
  }

  host(name: string): SshHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`There is no host ${name} here.`);
    return host;
  }

  /** Starts sshd again, with a new host key if asked. */
  async restart(name: string, { newKey = false } = {}): Promise<void> {
    const host = this.host(name);
    await this.stop(name);
    if (newKey) await rm(join(host.dir, 'hostkey'));
    await this.#startSshd(host);
  }

  async stop(name: string): Promise<void> {
    const { sshd } = this.host(name);
    if (!sshd || sshd.exitCode !== null || sshd.signalCode !== null) return;
    sshd.kill('SIGKILL');
    await once(sshd, 'exit');
  }

  /** Runs a line in a root shell of a host. */
  run(name: string, line: string): { readonly status: number | null; readonly output: string } {
    const pid = String(this.host(name).sshd?.pid);
    const { status, stdout, stderr } = spawnSync('nsenter', ['-t', pid, '-m', '-n', 'sh', '-c', line], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    return { status, output: `${stdout}${stderr}` };
  }

  async close(): Promise<void> {
    for (const { namespace } of this.hosts.values()) {
      // Agents and what they started live in the namespace of their host, and nowhere else.
      for (let round = 0; round < 200; round++) {
        const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' })
          .stdout.split('\n')
          .filter(Boolean);
        if (pids.every((pid) => isDead(pid))) break;
        for (const pid of pids) kill(Number(pid));
        await delay(25);
      }
      spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
    }
    spawnSync('ip', ['link', 'del', this.#bridge], { stdio: 'ignore' });
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #add(name: string, index: number): Promise<void> {
    const namespace = `sy${process.pid}-${index}`;
    const inside = `sy${process.pid % 100_000}i${index}`;
    const outside = `sy${process.pid % 100_000}o${index}`;
    const host: SshHost = {
      name,
      address: `${this.#net}.${11 + index}`,
      namespace,
      dir: join(this.dir, name),
      sshd: undefined,
    };
    this.hosts.set(name, host);
    await mkdir(join(host.dir, 'root'), { recursive: true });
    ip('netns', 'add', namespace);
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside);
    ip('link', 'set', outside, 'master', this.#bridge, 'up');
    ip('link', 'set', inside, 'netns', namespace);
    ip('-n', namespace, 'addr', 'add', `${host.address}/24`, 'dev', inside);
    ip('-n', namespace, 'link', 'set', inside, 'up');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    await this.#startSshd(host);
  }

  async #startSshd(host: SshHost): Promise<void> {
    const key = join(host.dir, 'hostkey');
    if (!existsSync(key)) must('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
    const config = [
      `ListenAddress ${host.address}`,
      `HostKey ${key}`,
      'PermitRootLogin yes',
      'PasswordAuthentication yes',
      `AuthorizedKeysFile ${join(this.dir, 'authorized_keys')}`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
    ];
    await writeFile(join(host.dir, 'sshd_config'), `${config.join('\n')}\n`);
    const file = (name: string): string => join(this.dir, name);
    const setUp = [
      'set -e',
      'mount -t tmpfs tmpfs /run',
      `mkdir -p /run/sshd ${HOST_ROOT}`,
      `mount --bind ${join(host.dir, 'root')} ${HOST_ROOT}`,
      ...['passwd', 'shadow', 'sudoers'].map((name) => `mount --bind ${file(name)} /etc/${name}`),
      `exec /usr/sbin/sshd -D -e -f ${join(host.dir, 'sshd_config')}`,
    ];
    const args = [
      'netns',
      'exec',
      host.namespace,
      'unshare',
      '-m',
      '--propagation',
      'private',
      'sh',
      '-c',
      setUp.join('\n'),
    ];
    const sshd = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    host.sshd = sshd;
    sshd.stderr.on('data', (chunk: Buffer) => void appendFile(join(host.dir, 'sshd.log'), chunk));
    await until(`sshd of ${host.name} answers`, async () => {
      if (sshd.exitCode !== null)
        throw new Error(`sshd of ${host.name} ended: ${await readFile(join(host.dir, 'sshd.log'), 'utf8')}`);
      return answers(host.address);
    });
  }

  async #writeAccounts({ rootPassword, opsPassword }: Accounts): Promise<void> {
    const others = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !/^(root|ops):/.test(line));
    const passwd = ['root:x:0:0:root:/root:/bin/sh', 'ops:x:64321:64321:ops:/tmp:/bin/sh', ...others];
    const shadow = [`root:${hashed(rootPassword)}:19000:0:99999:7:::`, `ops:${hashed(opsPassword)}:19000:0:99999:7:::`];
    await writeFile(join(this.dir, 'passwd'), `${passwd.join('\n')}\n`, { mode: 0o644 });
    await writeFile(join(this.dir, 'shadow'), `${shadow.join('\n')}\n`, { mode: 0o640 });
    await writeFile(join(this.dir, 'sudoers'), 'root ALL=(ALL) ALL\nops ALL=(ALL) ALL\n', { mode: 0o440 });
    await writeFile(join(this.dir, 'authorized_keys'), '');
  }
}

/** As crypt(3) has it, by the salt of SHA-512. */
function hashed(password: string): string {
  return must('perl', '-e', 'print crypt($ARGV[0], q($6$stackyard$))', password).trim();
}

function ip(...args: string[]): void {
  must('ip', ...args);
}

function must(file: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: 22 });
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

function isDead(pid: string): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
