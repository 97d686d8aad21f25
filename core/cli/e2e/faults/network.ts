import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { HostNetwork } from '../world.ts';

/** What can happen between a host and the server. */
export type Fault = 'link down' | 'nothing reaches the server' | 'nothing reaches the host' | 'reset' | 'blackhole';
export const FAULTS: readonly Fault[] = [
  'link down',
  'nothing reaches the server',
  'nothing reaches the host',
  'reset',
  'blackhole',
];

const TOOLS = ['ip', 'nft'];
const PREFIX = 'stackyard-test-';
const run = promisify(execFile);

/** Why no network can be made here; undefined when it can. */
export function noNetworkBecause(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const missing = TOOLS.filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
  return missing.length > 0 ? `needs ${missing.join(' and ')}` : undefined;
}

/**
 * Hosts as network namespaces, each on a bridge whose address is the server's. Real packets on their way through the
 * kernel: what is cut is cut for every process of the host. `remove` leaves nothing of it behind.
 */
export class TestNetwork implements HostNetwork {
  readonly server: string;
  readonly #net: string;
  readonly #names: readonly string[];

  private constructor(names: readonly string[], net: string) {
    this.#names = names;
    this.#net = net;
    this.server = `${net}.1`;
  }

  static async make(names: readonly string[]): Promise<TestNetwork> {
    await removeAbandoned();
    // Reserved for tests of networks; nobody's hosts are there.
    const network = new TestNetwork(names, `198.18.${1 + (process.pid % 250)}`);
    try {
      await ip('link', 'add', network.#bridge, 'type', 'bridge');
      await ip('addr', 'add', `${network.server}/24`, 'dev', network.#bridge);
      await ip('link', 'set', network.#bridge, 'up');
      for (const name of names) await network.#add(name);
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  addressOf(host: string): string {
    return `${this.#net}.${11 + this.#names.indexOf(host)}`;
  }

  commandOn(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  async cut(host: string, fault: Fault): Promise<void> {
    switch (fault) {
      case 'link down':
        return ip('link', 'set', this.#link(host), 'down');
      case 'blackhole':
        return ip('-n', this.#namespace(host), 'route', 'add', 'blackhole', `${this.server}/32`);
      case 'nothing reaches the server':
        return this.#filter(host, ['output'], 'drop');
      case 'nothing reaches the host':
        return this.#filter(host, ['input'], 'drop');
      case 'reset':
        return this.#filter(host, ['output', 'input'], 'ip protocol tcp reject with tcp reset');
    }
  }

  async heal(host: string, fault: Fault): Promise<void> {
    switch (fault) {
      case 'link down':
        return ip('link', 'set', this.#link(host), 'up');
      case 'blackhole':
        return ip('-n', this.#namespace(host), 'route', 'del', 'blackhole', `${this.server}/32`);
      case 'nothing reaches the server':
      case 'nothing reaches the host':
      case 'reset':
        return this.#nft(host, 'delete table ip stackyard');
    }
  }

  /** Also after half of it could be made. What still runs in a namespace keeps it alive without a name: end it before. */
  async remove(): Promise<void> {
    for (const name of this.#names) await ip('netns', 'del', this.#namespace(name)).catch(() => undefined);
    await ip('link', 'del', this.#bridge).catch(() => undefined);
  }

  get #bridge(): string {
    return `sy${process.pid}`;
  }

  #link(host: string): string {
    return `sy${process.pid}h${this.#names.indexOf(host)}`;
  }

  #namespace(host: string): string {
    return `${PREFIX}${process.pid}-${host}`;
  }

  async #add(host: string): Promise<void> {
    const namespace = this.#namespace(host);
    await ip('netns', 'add', namespace);
    await ip('link', 'add', this.#link(host), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    await ip('link', 'set', this.#link(host), 'master', this.#bridge, 'up');
    await ip('-n', namespace, 'addr', 'add', `${this.addressOf(host)}/24`, 'dev', 'eth0');
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }

  #filter(host: string, hooks: readonly ('input' | 'output')[], verdict: string): Promise<void> {
    const chains = hooks.map((hook) => {
      const other = hook === 'input' ? 'saddr' : 'daddr';
      return `chain ${hook} {\ntype filter hook ${hook} priority 0;\nip ${other} ${this.server} ${verdict}\n}`;
    });
    return this.#nft(host, `table ip stackyard {\n${chains.join('\n')}\n}`);
  }

  async #nft(host: string, rules: string): Promise<void> {
    const [program = '', ...args] = this.commandOn(host);
    await run(program, [...args, 'nft', rules]);
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', args);
}

/** What tests that were killed have left: namespaces and links are named after their processes. */
async function removeAbandoned(): Promise<void> {
  const isGone = (pid: string | undefined): boolean => pid !== undefined && !existsSync(`/proc/${pid}`);
  const { stdout: namespaces } = await run('ip', ['netns', 'list']);
  for (const [name, pid] of namespaces.matchAll(new RegExp(`^${PREFIX}(\\d+)-[^ \\n]*`, 'gm'))) {
    if (isGone(pid)) await ip('netns', 'del', name);
  }
  const { stdout: links } = await run('ip', ['-o', 'link', 'show', 'type', 'bridge']);
  for (const [, name, pid] of links.matchAll(/ (sy(\d+)):/g)) if (name && isGone(pid)) await ip('link', 'del', name);
}
