import { LIMITS } from './limits.ts';

const SEGMENT = /^[A-Za-z0-9_@][A-Za-z0-9_.@+-]*$/;
/** Of another platform, or of every object of JavaScript. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)|^__proto__$|\.$/i;

/** Why a path cannot be that of a file of an artifact. */
export function pathFault(path: string): string | undefined {
  const segments = path.split('/');
  if (path.length > LIMITS.pathLength) return `it is longer than ${LIMITS.pathLength} characters`;
  if (segments.length > LIMITS.depth) return `it is deeper than ${LIMITS.depth} folders`;
  if (!segments.every((segment) => SEGMENT.test(segment))) return 'use letters, digits, ., _, -, + and @';
  const reserved = segments.find((segment) => RESERVED.test(segment));
  return reserved === undefined ? undefined : `${reserved} is reserved`;
}

/** The paths of an archive so far; on a disk that folds case none of them may stand for another. */
export class SeenPaths {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  /** @throws Error when the path is there already, as a file or as a folder. */
  add(path: string): void {
    const key = path.normalize('NFC').toLowerCase();
    const folders = foldersOf(key);
    if (this.#files.has(key)) throw new Error(`${path} is there twice`);
    if (this.#folders.has(key) || folders.some((folder) => this.#files.has(folder)))
      throw new Error(`${path} is a file and a folder`);
    this.#files.add(key);
    for (const folder of folders) this.#folders.add(folder);
  }
}

function foldersOf(path: string): string[] {
  const segments = path.split('/');
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'));
}
