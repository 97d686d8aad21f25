import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

export interface RotationLimits {
  /** Rotate when this much is in the live file. */
  readonly segmentBytes: number;
  /** How many older segments are kept. */
  readonly segments: number;
}

/** 160 MiB per component at most. */
export const defaultLimits: RotationLimits = { segmentBytes: 32 * 2 ** 20, segments: 4 };

const BLOCK = 4_096;

/**
 * Moves what a running process has written to its output file into a segment (`output.log.1` is the newest), without
 * losing a byte: the process appends, so its data can be copied and the copied blocks be punched out of the file, whose
 * offsets stay as they are. `punched` tells that nothing was lost; without hole punching a few lines may be.
 */
export async function rotateOutput(
  file: string,
  { segmentBytes, segments }: RotationLimits = defaultLimits,
): Promise<'nothing' | 'punched' | 'truncated'> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  const start = await startOf(file, size);
  if (size - start < segmentBytes) return 'nothing';
  const end = size - (size % BLOCK);
  await shiftSegments(file, segments);
  await pipeline(createReadStream(file, { start, end: end - 1 }), await newFile(`${file}.1`));
  await syncFile(`${file}.1`);
  if (await punch(file, end)) {
    await rm(startFile(file), { force: true });
    await writeFile(startFile(file), String(end), { mode: 0o640, flag: 'wx' });
    return 'punched';
  }
  await truncate(file, 0);
  await rm(startFile(file), { force: true });
  return 'truncated';
}

/** Before a start nobody writes: a file with a hole becomes a segment, so that sizes are true again. */
export async function renewOutput(file: string, { segments }: RotationLimits = defaultLimits): Promise<void> {
  if (!existsSync(startFile(file))) return;
  const start = await startOf(file, (await stat(file).catch(() => ({ size: 0 }))).size);
  await shiftSegments(file, segments);
  await pipeline(createReadStream(file, { start }), await newFile(`${file}.1`));
  await rm(file, { force: true });
  await rm(startFile(file), { force: true });
}

/** The service's user may write beside these files: nothing is written through a link that it left there. */
async function newFile(path: string): Promise<NodeJS.WritableStream> {
  await rm(path, { force: true });
  return createWriteStream(path, { flags: 'wx', mode: 0o640 });
}

function startFile(file: string): string {
  return `${file}.start`;
}

/** Where the data of the file begins: before it lies a hole. */
async function startOf(file: string, size: number): Promise<number> {
  const start = Number(await readFile(startFile(file), 'utf8').catch(() => '0'));
  return Number.isSafeInteger(start) && start >= 0 && start <= size ? start : 0;
}

async function shiftSegments(file: string, segments: number): Promise<void> {
  await rm(`${file}.${segments}`, { force: true });
  for (let number = segments - 1; number >= 1; number -= 1) {
    if (existsSync(`${file}.${number}`)) await rename(`${file}.${number}`, `${file}.${number + 1}`);
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Gives the blocks of [0, end) back to the file system; false where it or the tool cannot. */
function punch(file: string, end: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('fallocate', ['--punch-hole', '--offset', '0', '--length', String(end), file], {
      stdio: 'ignore',
    });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
