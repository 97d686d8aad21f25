/** Every failure of the journal and of running attempts carries a stable code and a sentence for a person. */
export class SpoolError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An attempt id that cannot name a directory. */
export class InvalidAttemptError extends SpoolError {
  constructor(text: string) {
    super(
      'ATTEMPT_INVALID',
      `${JSON.stringify(text)} is not an attempt: a task id of letters, digits and - and a number from 1.`,
    );
  }
}

/** The attempt is not in the journal. */
export class AttemptUnknownError extends SpoolError {
  constructor(id: string, dir: string) {
    super('ATTEMPT_UNKNOWN', `The journal ${dir} holds no attempt ${id}. It must be accepted before it is used.`);
  }
}

/** Too little disk is left to promise that a result can be kept. */
export class SpoolFullError extends SpoolError {
  constructor(dir: string, freeBytes: number) {
    const free = Math.floor(freeBytes / 2 ** 20);
    super('SPOOL_FULL', `Only ${free} MiB are free on the disk of ${dir}. Free at least 64 MiB, then retry the task.`);
  }
}

/** The attempt was accepted before; it is never taken, nor run, a second time. */
export class AttemptKnownError extends SpoolError {
  readonly phase: 'ACCEPTED' | 'DECIDED' | 'EXITED' | 'ACKED' | 'QUARANTINED';
  constructor(id: string, phase: AttemptKnownError['phase']) {
    super(
      'ATTEMPT_KNOWN',
      `Attempt ${id} is in the journal already, phase ${phase}. Issue a new attempt to run the task again.`,
    );
    this.phase = phase;
  }
}
