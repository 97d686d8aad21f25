import { createReadStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import ssh2 from 'ssh2';
import type { Proof } from './credentials.ts';
import { HostFailure } from './failure.ts';
import { type HostKey, hostKeyOf, type SshAddress } from './hostKeys.ts';

export interface ConnectOptions extends SshAddress {
  readonly user: string;
  readonly proof: Proof;
  /** Whether this machine may be spoken to. @throws HostFailure when not */
  readonly verify: (key: HostKey) => void;
  readonly signal: AbortSignal;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const CONNECT_MS = 20_000;
const OUTPUT_BYTES = 64 * 1024;

/** A machine one is logged in to by SSH. */
export class SshSession {
  readonly #client: ssh2.Client;
  readonly #address: SshAddress;
  readonly #lost: Promise<never>;

  private constructor(client: ssh2.Client, address: SshAddress) {
    this.#client = client;
    this.#address = address;
    this.#lost = new Promise((_, reject) => {
      client.on('error', reject);
      client.on('close', () => reject(new Error('the connection ended')));
    });
    // Whoever waits for something hears of it; nobody has to.
    this.#lost.catch(() => undefined);
  }

  /** @throws HostFailure UNREACHABLE, HOST_KEY_…, AUTHENTICATION, PROTOCOL */
  static async open({ address, port, user, proof, verify, signal }: ConnectOptions): Promise<SshSession> {
    signal.throwIfAborted();
    const client = new ssh2.Client();
    let refused: unknown;
    const abort = (): void => void client.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('ready', resolve);
        client.once('error', reject);
        client.once('close', () => reject(new Error('the connection was closed')));
        // Many servers take a password only as the answer to a question.
        client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
          answer(prompts.map(({ echo }) => (echo ? '' : (proof.password ?? '')))),
        );
        client.connect({
          host: address,
          port,
          username: user,
          ...proof,
          tryKeyboard: proof.password !== undefined,
          readyTimeout: CONNECT_MS,
          keepaliveInterval: 10_000,
          keepaliveCountMax: 3,
          hostVerifier: (blob: Buffer) => {
            try {
              verify(hostKeyOf(blob));
              return true;
            } catch (error) {
              refused = error;
              return false;
            }
          },
        });
      });
      return new SshSession(client, { address, port });
    } catch (error) {
      client.destroy();
      // Its last words are of no interest, but an error without a listener would end the process.
      client.on('error', () => undefined);
      signal.throwIfAborted();
      throw refused ?? connectFailure(error as Error & { code?: string; level?: string }, { address, port });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /**
   * Runs a command of the machine's shell to its end. The command has to be made of constants and of `quoted` values.
   * @throws HostFailure DISCONNECTED
   */
  run(command: string, { input = '', onOutput }: RunOptions = {}): Promise<Ended> {
    return this.#exec(command, (channel) => {
      if (onOutput) channel.on('data', (chunk: Buffer) => onOutput(chunk.toString('utf8')));
      channel.end(input);
    });
  }

  /** Writes a file of this machine, or a text, to a file there (0600). @throws HostFailure COPY, NO_SPACE, DISCONNECTED */
  async write(
    path: string,
    from: { readonly file: string } | { readonly text: string },
    onBytes?: (sum: number) => void,
  ): Promise<void> {
    let sum = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sum += chunk.length;
        onBytes?.(sum);
        done(undefined, chunk);
      },
    });
    const source = 'file' in from ? createReadStream(from.file) : Readable.from([Buffer.from(from.text)]);
    const { code, stderr } = await this.#exec(`umask 077 && cat >${quoted(path)}`, (channel) => {
      // It may end before it has read everything; what it says by its exit code counts.
      pipeline(source, counted, channel).catch(() => undefined);
    });
    if (code === 0) return;
    const full = /no space|quota/i.test(stderr);
    throw new HostFailure(
      full ? 'NO_SPACE' : 'COPY',
      full
        ? `The disk of ${this.#address.address} is full. Free space below /tmp and where the agent is to lie.`
        : `A file could not be copied to ${this.#address.address}: ${firstLine(stderr)}.`,
    );
  }

  /** Says goodbye. */
  end(): void {
    this.#client.end();
  }

  /** Ends it at once, whatever runs. */
  destroy(): void {
    this.#client.destroy();
  }

  async #exec(command: string, feed: (channel: ssh2.ClientChannel) => void): Promise<Ended> {
    const output = { stdout: '', stderr: '' };
    const take = (name: keyof typeof output) => (chunk: Buffer) =>
      void (output[name] = (output[name] + chunk.toString('utf8')).slice(-OUTPUT_BYTES));
    const ended = new Promise<number>((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error) return reject(error);
        // All of it at once: a quick command has ended before anything else of this process gets a turn.
        let code: number | undefined;
        channel.on('data', take('stdout'));
        channel.stderr.on('data', take('stderr'));
        channel.on('exit', (status: number | null) => (code = status ?? undefined));
        channel.on('close', () => (code === undefined ? reject(new Error('the command was ended')) : resolve(code)));
        feed(channel);
      });
    });
    try {
      const code = await Promise.race([ended, this.#lost]);
      return { code, ...output };
    } catch (error) {
      throw new HostFailure(
        'DISCONNECTED',
        `The connection to ${this.#address.address} broke: ${(error as Error).message}. Retry it.`,
      );
    }
  }
}

export interface RunOptions {
  readonly input?: string;
  readonly onOutput?: (text: string) => void;
}

/** A value as one word of a shell, of characters that mean nothing to any. @throws Error for others */
export function quoted(value: string): string {
  if (!/^[A-Za-z0-9._:/@%+,=[\]-]+$/.test(value)) throw new Error('A value has characters that no command may have.');
  return `'${value}'`;
}

export function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 200).replace(/\.$/, '');
}

function connectFailure(error: Error & { code?: string; level?: string }, { address, port }: SshAddress): HostFailure {
  const { code = '', level = '', message } = error;
  if (level === 'client-authentication')
    return new HostFailure(
      'AUTHENTICATION',
      `${address} does not let this user in with this login. Check user, key and password, and what its sshd allows (PermitRootLogin, PasswordAuthentication).`,
    );
  if (
    level === 'client-timeout' ||
    /^(ECONN|EHOST|ENET|ETIMEDOUT|ENOTFOUND|EAI_)/.test(code) ||
    /before handshake/.test(message)
  )
    return new HostFailure(
      'UNREACHABLE',
      `SSH does not answer at ${address}, port ${port} (${code || (level === 'client-timeout' ? 'no answer in time' : 'it hung up')}). Check the address, the port, and that sshd runs there.`,
    );
  return new HostFailure('PROTOCOL', `SSH with ${address} failed: ${firstLine(message)}. Its sshd may be too old.`);
}
