import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';

/** What is to be installed: from a registry, or something that lies here. */
export type Spec =
  | { readonly kind: 'registry'; readonly stack: string; readonly version: string | undefined }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'folder'; readonly folder: string };

const NAMED = /^((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)(?:@(.+))?$/;

/**
 * Reads `name`, `name@range`, `file.tgz` or a folder. What looks like a path is one.
 * @throws UsageError
 */
export function parseSpec(text: string): Spec {
  const isPath = /^(\.{0,2}\/|\.{1,2}$)/.test(text) || text.endsWith('.tgz');
  if (isPath) return ofPath(text);
  const [, stack, version] = NAMED.exec(text) ?? [];
  if (stack === undefined)
    throw new UsageError(
      `${text} is no stack. Use NAME, NAME@RANGE, the path of a .tgz file, or a folder as ./FOLDER.`,
    );
  return { kind: 'registry', stack, version };
}

function ofPath(path: string): Spec {
  if (!existsSync(path)) throw new UsageError(`There is no ${path}. Correct the path.`);
  if (!statSync(path).isDirectory()) return { kind: 'file', file: path };
  if (!existsSync(join(path, 'package.json')))
    throw new UsageError(`${path} is no folder of a stack: it has no package.json.`);
  return { kind: 'folder', folder: path };
}
