import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { create } from 'tar';

/** What goes into an archive: files of the disk and short texts, by their path in it. */
export interface ArchiveContent {
  readonly files: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, string>>;
  /** What may be run; everything else is only read. */
  readonly executable: readonly string[];
}

/** The same for every build, and after 1980 for tools that mind. */
const MTIME = new Date('2020-01-01T00:00:00Z');

/** Writes a gzipped tar whose bytes depend on nothing but its content. */
export async function writeArchive({ files, texts, executable }: ArchiveContent, to: string): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'stackyard-archive-'));
  try {
    // Entries are named after their place in the archive, so each file is linked there.
    const names = [...Object.keys(files), ...Object.keys(texts)].toSorted();
    const flat = new Map(names.map((name, index) => [name, join(staging, String(index))]));
    for (const [name, file] of Object.entries(files)) await symlink(file, flat.get(name)!);
    for (const [name, text] of Object.entries(texts)) await writeFile(flat.get(name)!, text);
    const nameOf = new Map([...flat].map(([name, file]) => [basename(file), name]));
    await create(
      {
        file: to,
        cwd: staging,
        follow: true,
        portable: true,
        mtime: MTIME,
        strict: true,
        gzip: { level: 6 },
        // One file after the other: the order is part of the bytes.
        jobs: 1,
        onWriteEntry(entry) {
          const name = nameOf.get(entry.path)!;
          entry.path = name;
          if (entry.stat) entry.stat.mode = executable.includes(name) ? 0o755 : 0o644;
        },
      },
      [...nameOf.keys()],
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Files directly in a folder, as content below another name. */
export async function filesOf(dir: string, under: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { withFileTypes: true });
  return Object.fromEntries(
    entries.filter((entry) => entry.isFile()).map(({ name }) => [`${under}/${name}`, join(dir, name)]),
  );
}
