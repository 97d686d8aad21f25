import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { replaceFile } from '../packages/durable.ts';
import { SecretKeyDamagedError, SecretKeyLostError } from './errors.ts';

const KEY_BYTES = 32;

/**
 * The key of an installation's secrets, from its own file (0600) outside of the database. The first time it is made;
 * not when the database keeps secrets already, which a new key would not open.
 *
 * @throws SecretKeyLostError, SecretKeyDamagedError
 */
export async function readSecretKey(file: string, keepsSecrets: () => Promise<boolean>): Promise<Buffer> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new SecretKeyDamagedError({ file, reason: `it cannot be read (${error.code})` });
  });
  if (text === undefined && (await keepsSecrets())) throw new SecretKeyLostError({ file });
  // An empty file is how somebody says that the old key is lost for good.
  if (text === undefined || text === '') return makeKey(file);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0)
    throw new SecretKeyDamagedError({ file, reason: `others may read it; run "chmod 600 ${file}"` });
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== text.trim())
    throw new SecretKeyDamagedError({ file, reason: 'it holds no key' });
  return key;
}

async function makeKey(file: string): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  await replaceFile(file, `${key.toString('base64')}\n`);
  return key;
}
