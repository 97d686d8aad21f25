import { AgentError } from '../errors.ts';

/** How many reasons a sentence lists. */
const LISTED = 5;

/** The archive holds something that is never unpacked. Nothing of it was kept. */
export class PackageRefusedError extends AgentError {
  /** Every reason found, as "name: reason". */
  readonly refusals: readonly string[];
  constructor(name: string, refusals: readonly string[]) {
    const more = refusals.length > LISTED ? `; and ${refusals.length - LISTED} more` : '';
    super(
      'PACKAGE_REFUSED',
      `Package ${name} was not unpacked: ${refusals.slice(0, LISTED).join('; ')}${more}. Nothing of it was kept. ` +
        `Ask whoever publishes the archive to correct it.`,
    );
    this.refusals = refusals;
  }
}

/** Something else lies where the package belongs. */
export class PackageTargetError extends AgentError {
  constructor(name: string, path: string) {
    super(
      'PACKAGE_TARGET',
      `Package ${name} was not unpacked: ${path} exists already and does not hold this package. ` +
        `Remove that folder, or choose another one.`,
    );
  }
}

export class DiskFullError extends AgentError {
  constructor(name: string, path: string, options?: ErrorOptions) {
    super(
      'DISK_FULL',
      `Package ${name} could not be stored: the disk that holds ${path} is full. Free space there and retry the task.`,
      options,
    );
  }
}

/** Turns a full disk into its sentence; any other error stays what it is. */
export function namingFullDisk(error: unknown, name: string, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new DiskFullError(name, path, { cause: error }) : error;
}
