import type { components } from './api/gen/schema.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exitCodes.ts';

export type Problem = components['schemas']['Problem'];

/** Something that ends the command with a sentence for a person and an exit code for a script; never with a stack trace. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** The command line itself is wrong. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** The person said no, or pressed Ctrl-C. */
export class CancelledError extends CliError {
  constructor(message: string) {
    super(message, EXIT.cancelled);
  }
}

export class NotFoundError extends CliError {
  constructor(message: string) {
    super(message, EXIT.notFound);
  }
}

export class ConflictError extends CliError {
  constructor(message: string) {
    super(message, EXIT.conflict);
  }
}

export class NotSignedInError extends CliError {
  constructor(message: string) {
    super(message, EXIT.authentication);
  }
}

export class ServerUnreachableError extends CliError {
  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `No server answers at ${url} (${reason}). Start one with "stackyard server" or "npm run demo", or name another by STACKYARD_URL.`,
      EXIT.failed,
      options,
    );
  }
}

/** The server refused a request; its problem says why and where. */
export class ProblemError extends CliError {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail, exitCodeOf(problem.status));
    this.problem = problem;
  }
}

/** A job ended, and not well; what failed has been shown already. */
export class JobEndedError extends CliError {}
