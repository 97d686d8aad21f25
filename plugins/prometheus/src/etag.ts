import { createHash } from 'node:crypto';
import type { Answer } from '@stackyard/contract';

/** An answer with a tag of its bytes; 304 when that is what the client has. */
export function tagged(body: string, contentType: string, asked: string | string[] | undefined): Answer {
  const etag = `"${createHash('sha256').update(contentType).update('\0').update(body).digest('hex').slice(0, 32)}"`;
  const known = String(asked ?? '')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  if (known.includes(etag) || known.includes('*')) return { status: 304, headers: { etag } };
  return { status: 200, headers: { etag, 'content-type': contentType }, body };
}
