import type { Command } from 'commander';
import { type Api, answerOf } from '../api/client.ts';
import type { Bootstrap, Probed, SshLogin } from '../api/types.ts';
import { followBootstrap } from '../bootstrap/follow.ts';
import { probeText } from '../bootstrap/words.ts';
import { CliError, UsageError } from '../errors.ts';
import { EXIT } from '../exitCodes.ts';
import type { Terminal } from '../output/terminal.ts';
import { agreed } from './execute.ts';
import { connect, onServer, type ServerOptions } from './parts.ts';
import { askSecret, readText, secretIn } from './secrets.ts';

interface LoginOptions {
  readonly user: string;
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly passwordPrompt?: boolean;
  readonly passwordFile?: string;
  readonly agent?: boolean;
  readonly sudo?: boolean;
  readonly sudoPasswordFile?: string;
}

interface BootstrapOptions extends ServerOptions, LoginOptions {
  readonly file?: string;
  readonly port?: number;
  readonly parallel?: number;
  readonly root?: string;
  readonly retry?: string;
  readonly yes?: boolean;
  readonly detach?: boolean;
}

/** `host bootstrap` and what belongs to it. */
export function addBootstrap(noun: Command, terminal: Terminal): void {
  onServer(noun.command('bootstrap'))
    .summary('bring hosts in over SSH: copies the agent, starts it and waits until it has joined')
    .argument('[targets...]', 'node[01-20].example.org, NAME=ADDRESS, comma-separated lists')
    .option('--file <file>', 'machines, one or more a line')
    .option('--user <name>', 'who logs in', 'root')
    .option('--port <port>', 'of SSH; 22 unless given', positive)
    .option('--key <file>', 'log in by this private key; its passphrase is asked for')
    .option('--passphrase-file <file>', 'holds the passphrase of the key')
    .option('--password-prompt', 'log in by a password that is asked for')
    .option('--password-file <file>', 'log in by the password in this file')
    .option('--agent', "log in by the server's SSH agent, its SSH_AUTH_SOCK")
    .option('--sudo', 'become root by sudo, with the password of the login where it asks for one')
    .option('--sudo-password-file <file>', 'holds the password for sudo, when it is another')
    .option('--root <folder>', 'the root directory of the hosts on their machines; / unless given')
    .option('--parallel <number>', 'how many at once; 10 unless given', positive)
    .option('--retry <bootstrap>', 'try those again that failed in this one')
    .option('-y, --yes', 'confirm new host keys without being asked; one that changed is refused all the same')
    .option('--detach', 'print the id of the bootstrap and do not follow it')
    .action(async (targets: string[], options: BootstrapOptions) => {
      const { api } = await connect(terminal, options);
      const login = await loginOf(terminal, options);
      const run = await (options.retry === undefined
        ? begin(api, terminal, { targets, options, login })
        : again(api, terminal, { id: options.retry, options, login }));
      if (options.detach) return terminal.out(`${run.id}\n`);
      const ended = await followBootstrap(api, terminal, run);
      if (ended.state !== 'SUCCESSFUL') throw new CliError(endSentence(ended), EXIT.jobFailed);
    });

  onServer(noun.command('forget-key'))
    .summary('forget the SSH host key of a machine that was installed anew')
    .argument('<address>', 'where SSH answers')
    .option('--port <port>', 'of SSH; 22 unless given', positive)
    .action(async (address: string, options: ServerOptions & { port?: number }) => {
      const { api } = await connect(terminal, options);
      const query = options.port === undefined ? {} : { port: options.port };
      await answerOf(api.DELETE('/api/v1/ssh-host-keys/{address}', { params: { path: { address }, query } }));
      terminal.err(`The host key of ${address} is forgotten; the next one has to be confirmed.\n`);
    });
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new UsageError(`${text} is no number for this.`);
  return number;
}

async function begin(
  api: Api,
  terminal: Terminal,
  { targets, options, login }: { targets: readonly string[]; options: BootstrapOptions; login: SshLogin },
): Promise<Bootstrap> {
  const named = [...targets, ...(options.file === undefined ? [] : [await readText(options.file)])];
  if (named.length === 0) throw new UsageError('Name the machines, or a file that does by --file.');
  const hosts = await confirmed(api, terminal, named, options);
  const { root, parallel } = options;
  const manner = { ...(root === undefined ? {} : { root }), ...(parallel === undefined ? {} : { parallel }) };
  return answerOf(api.POST('/api/v1/bootstraps', { body: { hosts, login, ...manner } }));
}

async function again(
  api: Api,
  terminal: Terminal,
  { id, options, login }: { id: string; options: BootstrapOptions; login: SshLogin },
): Promise<Bootstrap> {
  const path = { bootstrap: id };
  const before = await answerOf(api.GET('/api/v1/bootstraps/{bootstrap}', { params: { path } }));
  const failed = before.hosts.filter(({ state }) => state === 'FAILED');
  const named = failed.map(({ name, address }) => `${name}=${address.includes(':') ? `[${address}]` : address}`);
  const port = failed[0]?.port;
  const hosts =
    named.length === 0
      ? []
      : await confirmed(api, terminal, named, port === undefined ? options : { ...options, port });
  const fingerprints = Object.fromEntries(
    hosts.flatMap(({ name, fingerprint }) => (fingerprint === undefined ? [] : [[name, fingerprint]])),
  );
  return answerOf(
    api.POST('/api/v1/bootstraps/{bootstrap}/retry', { params: { path }, body: { login, fingerprints } }),
  );
}

/**
 * Shows the host keys of the machines and asks whether they are the right ones.
 * @throws CancelledError when not
 */
async function confirmed(api: Api, terminal: Terminal, targets: readonly string[], options: BootstrapOptions) {
  const port = options.port === undefined ? {} : { port: options.port };
  const { items } = await answerOf(api.POST('/api/v1/bootstraps/probe', { body: { targets: [...targets], ...port } }));
  terminal.err(probeText(items, terminal.colours));
  const unknown = items.filter(({ standing }) => standing === 'new');
  // A key that changed is refused by the server, whatever is answered here.
  if (unknown.length > 0) await agreed(terminal, options, `Are these the host keys of your machines?`);
  return items.map(({ name, address, port: at, key, standing }: Probed) => ({
    name,
    address,
    port: at,
    ...(key && standing === 'new' ? { fingerprint: key.fingerprint } : {}),
  }));
}

/** @throws UsageError unless there is exactly one way to log in */
async function loginOf(terminal: Terminal, options: LoginOptions): Promise<SshLogin> {
  const ways = [options.key, options.passwordPrompt, options.passwordFile, options.agent].filter(Boolean);
  if (ways.length !== 1)
    throw new UsageError(
      'Say how to log in, by one of --key FILE, --password-prompt, --password-file FILE or --agent.',
    );
  const sudo = options.sudo ? { sudo: true } : {};
  const other =
    options.sudoPasswordFile === undefined ? {} : { sudoPassword: await secretIn(options.sudoPasswordFile) };
  return { user: options.user, method: await methodOf(terminal, options), ...sudo, ...other };
}

async function methodOf(terminal: Terminal, options: LoginOptions): Promise<SshLogin['method']> {
  if (options.agent) return { kind: 'agent' };
  if (options.key === undefined) {
    const { passwordFile } = options;
    const password =
      passwordFile === undefined ? askSecret(terminal, `Password of ${options.user}`) : secretIn(passwordFile);
    return { kind: 'password', password: await password };
  }
  const privateKey = await readText(options.key);
  if (options.passphraseFile !== undefined)
    return { kind: 'key', privateKey, passphrase: await secretIn(options.passphraseFile) };
  if (!isEncrypted(privateKey)) return { kind: 'key', privateKey };
  return { kind: 'key', privateKey, passphrase: await askSecret(terminal, `Passphrase of ${options.key}`) };
}

/** PEM says so; OpenSSH's own form names its cipher, "none" for a key without passphrase. */
function isEncrypted(key: string): boolean {
  if (/ENCRYPTED/.test(key)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(key)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  const length = bytes.length > 19 ? bytes.readUInt32BE(15) : 0;
  return bytes.subarray(19, 19 + length).toString('latin1') !== 'none';
}

function endSentence({ id, hosts }: Bootstrap): string {
  const failed = hosts.filter(({ state }) => state === 'FAILED').length;
  return `${failed} of ${hosts.length} hosts ${hosts.length === 1 ? 'was' : 'were'} not brought in. Try ${failed === 1 ? 'it' : 'them'} again by: stackyard host bootstrap --retry ${id}, with the login.`;
}
