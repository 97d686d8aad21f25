import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { packStackPackage, SIGNATURES_SUFFIX } from '@stackyard/sdk/artifact';
import { CliError } from '../errors.ts';
import { stackFiles } from '../server/stackFiles.ts';
import type { Spec } from './spec.ts';

/** What is sent of something that lies here, and what it is called. */
export interface Sending {
  readonly content: Buffer;
  readonly origin: 'tarball' | 'folder';
  readonly source: string;
}

/** An artifact goes with the signatures beside it; a folder is built first, in a process of its own. */
export async function sendingOf(spec: Exclude<Spec, { kind: 'registry' }>): Promise<Sending> {
  if (spec.kind === 'file') return { ...(await fileContent(spec.file)), origin: 'tarball' };
  const dir = await mkdtemp(join(tmpdir(), 'stackyard-build-'));
  try {
    const [file = ''] = await stackFiles([spec.folder], dir);
    return { content: await readFile(file), origin: 'folder', source: resolve(spec.folder) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function fileContent(file: string): Promise<{ content: Buffer; source: string }> {
  const source = basename(file);
  const artifact = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${file} cannot be read: ${error.code}.`);
  });
  const signatures = await readFile(`${file}${SIGNATURES_SUFFIX}`, 'utf8').catch(() => undefined);
  if (signatures === undefined) return { content: artifact, source };
  return { content: packStackPackage({ fileName: 'artifact.tgz', artifact, signatures }), source };
}
