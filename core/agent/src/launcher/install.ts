import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AuthorityMismatchError, JoinRefusedError } from '../errors.ts';
import { join as enrolHost } from '../identity/enrol.ts';
import { sha256sOf } from '../identity/authorities.ts';
import { readIdentity, saveIdentity } from '../identity/identity.ts';
import { agentPaths } from '../paths.ts';
import { writeDurably } from '../spool/durable.ts';
import { InstallError } from './errors.ts';
import { checkClock, checkReachable, parseEndpoint } from './reach.ts';

/** What the join script passes on; it has checked the form of every value. */
export interface InstallOptions {
  /** Where the launcher is to find the agent's arguments. */
  readonly base: string;
  readonly server: string;
  readonly enrol: string;
  /** File of the certificate authority, and the digest of its certificate. */
  readonly ca: string;
  readonly caSha256: string;
  readonly name: string;
  readonly root: string;
  readonly address: string;
  readonly local: boolean;
}

/** @throws InstallError USAGE for what cannot be understood */
export function installOptions(argv: readonly string[]): InstallOptions {
  const text = { type: 'string', default: '' } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      base: text,
      server: text,
      enrol: text,
      ca: text,
      'ca-sha256': text,
      name: text,
      root: text,
      address: text,
      local: { type: 'boolean', default: false },
    },
  });
  const { 'ca-sha256': caSha256, local, ...rest } = values;
  for (const [name, value] of Object.entries({ ...rest, 'ca-sha256': caSha256 }))
    if (value === '' || /\p{Cc}/u.test(value)) throw new InstallError('USAGE', `--${name} is missing or not a line.`);
  for (const name of ['server', 'enrol'] as const)
    if (!parseEndpoint(rest[name])) throw new InstallError('USAGE', `--${name} has to be HOST:PORT.`);
  return { ...rest, caSha256, local };
}

/**
 * Makes sure that the host can reach the server and agrees with its clock, joins it unless it has already, and writes what
 * the launcher starts the agent with.
 *
 * @returns a sentence for whoever installs
 * @throws InstallError
 */
export async function install(options: InstallOptions, token: string): Promise<string> {
  const { base, server, enrol, root, name, address, local } = options;
  await checkReachable(enrol, 'the listener through which hosts join');
  await checkReachable(server, 'the port that agents dial');
  await checkClock(enrol, await readFile(options.ca, 'utf8'));
  const said = await joined(options, token);
  const lines = ['--root', root, '--name', name, '--address', address, ...(local ? ['--local'] : [])];
  await writeDurably(join(base, 'agent.args'), lines.map((line) => `${line}\n`).join(''));
  return said;
}

/** With a good token a host joins anew, also where it was cut off; with a used one it stays what it is. */
async function joined({ root, server, enrol, caSha256, name }: InstallOptions, token: string): Promise<string> {
  const known = await readIdentity(root);
  if (known && !sha256sOf(known.authorities).includes(caSha256))
    throw new InstallError(
      'OTHER_AGENT',
      `This machine belongs to another server (${known.enrolment}). Take its agent away first: sh join.sh --remove`,
    );
  await mkdir(agentPaths(root).home, { recursive: true, mode: 0o700 });
  try {
    await saveIdentity(root, await enrolHost({ enrolment: enrol, caSha256, token, hostName: name, server }));
    return `The server has let ${name} join.`;
  } catch (error) {
    const refused = error instanceof JoinRefusedError || error instanceof AuthorityMismatchError;
    if (!refused) throw error;
    if (!known) throw new InstallError('JOIN_REFUSED', error.message, { cause: error });
    // It may be reached by another address since.
    await saveIdentity(root, { ...known, server, enrolment: enrol });
    return 'The token is of no use any more, but this machine has joined before; its agent is repaired.';
  }
}

/** Runs an installation; its output is for whoever ran the join script. @returns the exit code */
export async function installMain(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    process.stdout.write(`stackyard: ${await install(installOptions(argv), env['STACKYARD_JOIN_TOKEN'] ?? '')}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`stackyard: ${(error as Error).message}\n`);
    return error instanceof InstallError ? error.exitCode : 1;
  }
}
