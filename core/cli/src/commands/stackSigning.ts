import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { answerOf } from '../api/client.ts';
import { CliError } from '../errors.ts';
import { facts } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import { connect, onServer, type ServerOptions } from './parts.ts';

/** `stack sign` and `stack verify`. */
export function addSigning(noun: Command, terminal: Terminal): void {
  noun
    .command('sign')
    .summary('sign an artifact; the signature goes beside it')
    .argument('<file>', 'the artifact, a .tgz that "stack build" made')
    .requiredOption('--key <file>', 'the private key that "publisher keygen" made')
    .action(async (file: string, { key }: { key: string }) => {
      const { beside, keyId, publisher } = await signFile(file, key);
      terminal.out(`${beside}\n`);
      terminal.err(`${publisher} has signed ${file} by ${keyId}.\n`);
    });

  onServer(noun.command('verify'))
    .summary('tell whether the server would take the signatures of an artifact')
    .argument('<file>', 'the artifact; its signatures are looked for beside it')
    .option('--publisher <line>', 'ask no server, and trust this public key for everything')
    .action((file: string, options: ServerOptions & { publisher?: string }) => verifyFile(terminal, file, options));
}

/** Adds a signature to those beside an artifact. @throws CliError */
export async function signFile(
  file: string,
  keyFile: string,
): Promise<{ beside: string; keyId: string; publisher: string }> {
  const sdk = await import('@stackyard/sdk/artifact');
  const key = await plainly(async () => sdk.parsePrivateKey(await readFile(keyFile, 'utf8')), keyFile);
  const { manifest, digest } = await plainly(() => sdk.readArtifact(file), file);
  const beside = `${file}${sdk.SIGNATURES_SUFFIX}`;
  const before = await readFile(beside, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const known = before === undefined ? [] : await plainly(async () => sdk.parseSignatures(before), beside);
  const signature = sdk.signArtifact({ package: manifest.name, version: manifest.version, digest }, key);
  // Those of another build of this version are worth nothing, and would spoil the new one.
  const others = known.filter((each) => each.digest === digest);
  const partial = `${beside}.${process.pid}.partial`;
  await writeFile(partial, sdk.signaturesText([...others, signature]));
  await rename(partial, beside);
  return { beside, keyId: key.keyId, publisher: key.publisher };
}

async function verifyFile(
  terminal: Terminal,
  file: string,
  options: ServerOptions & { publisher?: string },
): Promise<void> {
  const sdk = await import('@stackyard/sdk/artifact');
  const digest = await plainly(async () => sdk.artifactDigest(await readFile(file)), file);
  const beside = `${file}${sdk.SIGNATURES_SUFFIX}`;
  const text = await readFile(beside, 'utf8').catch(() => undefined);
  const documents = text === undefined ? [] : await plainly(async () => sdk.parseSignatures(text), beside);
  const verified = sdk.verifySignatures(digest, documents, await trusted(terminal, options));
  if (verified.verdict !== 'trusted') throw new CliError(`${file} is not trusted: ${verified.reason}.`);
  const { package: name, version } = verified.signed;
  // Only now: nothing of it is read before somebody who is trusted has signed it.
  const { manifest } = await plainly(() => sdk.readArtifact(file, { digest }), file);
  if (name !== manifest.name || version !== manifest.version)
    throw new CliError(
      `${file} is not trusted: it is ${manifest.name}@${manifest.version}, and its signature is for ${name}@${version}.`,
    );
  terminal.out(
    facts(
      [
        ['Stack', `${name} ${version}`],
        ['Digest', digest],
        ['Signed by', `${verified.publisher}, ${verified.keyId}, ${verified.keyState}`],
      ],
      terminal.colours.dim,
    ),
  );
}

async function trusted(terminal: Terminal, options: ServerOptions & { publisher?: string }) {
  if (options.publisher !== undefined) {
    const { parsePublicKeyLine } = await import('@stackyard/sdk/artifact');
    const line = options.publisher;
    const { publisher, keyId, publicKey } = await plainly(async () => parsePublicKeyLine(line), 'The public key');
    return [{ name: publisher, scopes: ['*'], keys: [{ keyId, publicKey, state: 'active' as const }] }];
  }
  const { api } = await connect(terminal, options);
  return (await answerOf(api.GET('/api/v1/publishers'))).items;
}

/** What keys, signatures and artifacts say is wrong with them is meant for people. */
async function plainly<T>(work: () => Promise<T>, file: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR')
      throw new CliError(`${file} cannot be read: ${code}.`, 1, { cause: error });
    throw new CliError(message, 1, { cause: error });
  }
}
