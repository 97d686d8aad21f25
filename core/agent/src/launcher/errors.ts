import { AgentError } from '../errors.ts';

/** Why a host could not be brought in, and the exit code by which the join script, and whoever runs it, tells them apart. */
export const EXIT_CODES = {
  USAGE: 64,
  NOT_ROOT: 70,
  TOOLS_MISSING: 71,
  ARCHITECTURE: 72,
  NO_SPACE: 73,
  UNREACHABLE: 74,
  CLOCK: 75,
  DIGEST: 76,
  NOT_RUNNABLE: 77,
  JOIN_REFUSED: 78,
  OTHER_AGENT: 79,
  NOT_STARTED: 80,
} as const;
export type InstallCode = keyof typeof EXIT_CODES;

/** What stood in the way of an installation; the sentence says what to do. */
export class InstallError extends AgentError {
  readonly exitCode: number;
  constructor(code: InstallCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.exitCode = EXIT_CODES[code];
  }
}
