/** Bounds while an archive is unpacked; sizes in bytes. */
export interface UnpackLimits {
  readonly compressedBytes: number;
  readonly unpackedBytes: number;
  /** Unpacked to compressed, looked at from the first MiB on. */
  readonly ratio: number;
  readonly entries: number;
  /** Folders on the way to a file. */
  readonly depth: number;
  /** Of one part of a path, and of the whole of it. */
  readonly nameBytes: number;
  readonly pathBytes: number;
}

export const defaultLimits: UnpackLimits = {
  compressedBytes: 4 * 2 ** 30,
  unpackedBytes: 12 * 2 ** 30,
  ratio: 100,
  entries: 200_000,
  depth: 32,
  nameBytes: 255,
  pathBytes: 1024,
};

/** What is read of an entry's header. */
export interface ArchiveEntry {
  readonly path: string;
  readonly type: string;
  readonly mode?: number | undefined;
  readonly linkpath?: string | undefined;
}

export type Admitted =
  | { readonly kind: 'file'; readonly path: string; readonly mode: 0o644 | 0o755 }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** Letters, marks and digits of any script and the punctuation that real archives use; no control or shell characters. */
const segment = /^[\p{L}\p{M}\p{N}_.@+$,=~%#()[\]{}!&' -]+$/u;
const kinds: Readonly<Record<string, Admitted['kind']>> = {
  File: 'file',
  OldFile: 'file',
  Directory: 'folder',
  SymbolicLink: 'link',
};

const KEPT_REFUSALS = 100;

/**
 * Decides about every entry of an archive by its header alone, before a byte of it is written. It collects what it
 * refuses, so that one message names all of it.
 */
export class EntryGate {
  readonly refusals: string[] = [];
  readonly #limits: UnpackLimits;
  readonly #symlinks: 'contained' | 'refuse';
  /** By the name as a file system that ignores case and composition would see it. */
  readonly #nodes = new Map<string, { readonly kind: Admitted['kind']; readonly path: string }>();
  #entries = 0;

  constructor(limits: UnpackLimits, symlinks: 'contained' | 'refuse') {
    this.#limits = limits;
    this.#symlinks = symlinks;
  }

  get tooMany(): boolean {
    return this.#entries > this.#limits.entries;
  }

  /** The entry as it is to be written; undefined when there is nothing to write, for whatever reason. */
  admit(entry: ArchiveEntry): Admitted | undefined {
    this.#entries += 1;
    const kind = kinds[entry.type];
    const bare = entry.path.replace(/^(\.\/)+/, '');
    const path = kind === 'folder' ? bare.replace(/\/$/, '') : bare;
    if (kind === 'folder' && (path === '' || path === '.')) return undefined;
    const reason =
      this.#typeRefusal(entry, kind) ?? this.#nameRefusal(path) ?? this.#placeRefusal(path, kind ?? 'file');
    if (reason !== undefined || kind === undefined) return this.refuse(entry.path, reason ?? 'is of no known type');
    this.#nodes.set(fold(path), { kind, path });
    if (kind === 'file') return { kind, path, mode: ((entry.mode ?? 0) & 0o111) === 0 ? 0o644 : 0o755 };
    return kind === 'folder' ? { kind, path } : { kind, path, target: entry.linkpath ?? '' };
  }

  refuse(path: string, reason: string): undefined {
    if (this.refusals.length < KEPT_REFUSALS) this.refusals.push(`${printable(path)}: ${reason}`);
    return undefined;
  }

  kindOf(path: string): Admitted['kind'] | undefined {
    const node = this.#nodes.get(fold(path));
    return node?.path === path ? node.kind : undefined;
  }

  /** The names at the top of the archive. */
  tops(): readonly { readonly kind: Admitted['kind']; readonly path: string }[] {
    return [...this.#nodes.values()].filter(({ path }) => !path.includes('/'));
  }

  #typeRefusal({ type }: ArchiveEntry, kind: Admitted['kind'] | undefined): string | undefined {
    if (kind === undefined) return `is a ${type}, only files and folders are unpacked`;
    return kind === 'link' && this.#symlinks === 'refuse' ? 'is a symbolic link' : undefined;
  }

  #nameRefusal(path: string): string | undefined {
    const { depth, nameBytes, pathBytes } = this.#limits;
    if (path.startsWith('/')) return 'is an absolute path';
    if (Buffer.byteLength(path) > pathBytes) return `has a path longer than ${pathBytes} bytes`;
    const segments = path.split('/');
    if (segments.includes('..')) return 'leads out of the archive';
    if (segments.length - 1 > depth) return `lies deeper than ${depth} folders`;
    if (segments.some((each) => each === '' || each === '.' || !segment.test(each)))
      return 'has a name that is not allowed';
    return segments.some((each) => Buffer.byteLength(each) > nameBytes)
      ? `has a name longer than ${nameBytes} bytes`
      : undefined;
  }

  #placeRefusal(path: string, kind: Admitted['kind']): string | undefined {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const above = path.slice(0, end);
      const known = this.#nodes.get(fold(above));
      if (known && known.kind !== 'folder') return `lies in ${printable(known.path)}, which is no folder`;
      if (known && known.path !== above) return `differs from ${printable(known.path)} only by case or composition`;
      if (!known) this.#nodes.set(fold(above), { kind: 'folder', path: above });
    }
    const known = this.#nodes.get(fold(path));
    if (!known || (known.kind === 'folder' && kind === 'folder' && known.path === path)) return undefined;
    return known.path === path ? 'is there twice' : `differs from ${printable(known.path)} only by case or composition`;
  }
}

function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** A name as a sentence may show it: one line, no control characters, not endless. */
export function printable(name: string): string {
  const shown = JSON.stringify(name).slice(1, -1);
  return shown.length > 120 ? `${shown.slice(0, 120)}…` : shown;
}
