import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AgentBundle, HostJoining, Kept, Records } from '@stackyard/contract';
import ssh2 from 'ssh2';
import { hostKeyOf } from './hostKeys.ts';

/** Records as the server keeps them, in memory. */
export class MemoryRecords implements Records {
  readonly rows = new Map<string, string>();

  async get<T extends object>(collection: string, key: string): Promise<T | undefined> {
    const text = this.rows.get(`${collection}\n${key}`);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  async put(collection: string, key: string, value: object): Promise<void> {
    this.rows.set(`${collection}\n${key}`, JSON.stringify(value));
  }

  async delete(collection: string, key: string): Promise<boolean> {
    return this.rows.delete(`${collection}\n${key}`);
  }

  async list<T extends object>(
    collection: string,
    { limit, before }: { limit: number; before?: string | undefined },
  ): Promise<Kept<T>[]> {
    return [...this.rows]
      .map(([id, text]) => ({ id: id.split('\n'), value: JSON.parse(text) as T }))
      .filter(({ id: [of, key = ''] }) => of === collection && (before === undefined || key < before))
      .map(({ id: [, key = ''], value }) => ({ key, value }))
      .toSorted((a, b) => (a.key < b.key ? 1 : -1))
      .slice(0, limit);
  }
}

/** A server side that knows hosts once their script has run; the script is the test's. */
export class TestJoining implements HostJoining {
  readonly tokens: string[] = [];
  readonly reachable = new Set<string>();
  script = 'read -r token && echo "stackyard: The server has let it join."';
  readonly #dir: string;
  constructor(dir: string) {
    this.#dir = dir;
  }

  terms() {
    return { server: '10.0.0.5:7071', enrol: '10.0.0.5:7072', authority: 'PEM\n', authoritySha256: 'a'.repeat(64) };
  }

  async issueToken({ name }: { name: string }): Promise<string> {
    const token = `syj_${randomUUID()}`;
    this.tokens.push(token);
    // Stands for the agent, which connects once its script has run.
    this.reachable.add(name);
    return token;
  }

  async joinScript(): Promise<string> {
    return this.script;
  }

  async bundle(): Promise<AgentBundle> {
    const path = join(this.#dir, 'bundle');
    const content = Buffer.alloc(3_000_000, 'bundle');
    await writeFile(path, content);
    return {
      path,
      size: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      version: '1.0.0-x',
    };
  }

  async isReachable(name: string): Promise<boolean> {
    return this.reachable.has(name);
  }
}

export const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();

/** An SSH server of this process that runs commands by a shell of this machine. */
export class TestSshd {
  readonly port: number;
  readonly fingerprint: string;
  /** Commands that were run, for tests that look for secrets in them. */
  readonly commands: string[] = [];
  readonly #server: ssh2.Server;

  private constructor(server: ssh2.Server, fingerprint: string) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.fingerprint = fingerprint;
  }

  static async start(
    accepts: { readonly user: string; readonly password: string },
    { hostKey = newKey(), port = 0 } = {},
  ): Promise<TestSshd> {
    const parsed = ssh2.utils.parseKey(hostKey);
    if (parsed instanceof Error) throw parsed;
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (login) => {
        const right =
          login.method === 'password' && login.username === accepts.user && login.password === accepts.password;
        if (right) login.accept();
        else login.reject(['password']);
      });
      client.on('session', (accept) => {
        accept().on('exec', (open, _reject, { command }) => {
          sshd.commands.push(command);
          const channel = open();
          const child = spawn('sh', ['-c', command], { stdio: 'pipe', detached: true });
          channel.pipe(child.stdin).on('error', () => undefined);
          child.stdout.pipe(channel, { end: false });
          child.stderr.pipe(channel.stderr, { end: false });
          // As a real one does for what nobody listens to any more.
          channel.on('close', () => endGroup(child.pid));
          child.on('close', (code) => {
            channel.exit(code ?? 1);
            channel.end();
          });
        });
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const sshd = new TestSshd(server, hostKeyOf(parsed.getPublicSSH()).fingerprint);
    return sshd;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
