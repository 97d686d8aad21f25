/** Every failure of starting, stopping or watching processes carries a stable code and a sentence for a person. */
export class ProcessError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A value that would end up in a path, an environment or a command line is not of the form it must have. */
export class InvalidProcessValueError extends ProcessError {
  constructor(what: string, value: string, expected: string, options?: ErrorOptions) {
    super(
      'PROCESS_VALUE_INVALID',
      `The ${what} ${JSON.stringify(value)} cannot be used. It must be ${expected}.`,
      options,
    );
  }
}

/** The component already runs, from another program line. */
export class ComponentBusyError extends ProcessError {
  constructor(id: string, pid: number | undefined) {
    const what = pid === undefined ? 'its keeper runs' : `it runs as process ${pid}`;
    super('COMPONENT_BUSY', `Component ${id} cannot be started with another command line: ${what}. Stop it first.`);
  }
}

/** The keeper ended or stayed silent before it had started anything. */
export class KeeperFailedError extends ProcessError {
  constructor(id: string, detail: string) {
    super('KEEPER_FAILED', `The keeper of component ${id} did not start the process: ${detail}.`);
  }
}

/** A component directory holds no usable process description. */
export class ComponentUnknownError extends ProcessError {
  constructor(dir: string) {
    super('COMPONENT_UNKNOWN', `${dir} holds no description of a process. Start the component by a start task first.`);
  }
}

/** Something did not die of SIGKILL in time; it hangs in the kernel. */
export class ProcessesSurviveError extends ProcessError {
  readonly pids: readonly number[];
  constructor(what: string, pids: readonly number[]) {
    super(
      'PROCESSES_SURVIVE',
      `Processes ${pids.join(', ')} of ${what} did not end after SIGKILL. They hang in the kernel, often on a dead disk or mount; look at /proc/PID/stack.`,
    );
    this.pids = pids;
  }
}

/** A tool of the system that processes are kept with is missing. */
export class ToolMissingError extends ProcessError {
  constructor(tool: string) {
    super('TOOL_MISSING', `The tool ${tool} was not found in PATH. Install util-linux.`);
  }
}

/** Another process holds a lock that must be held by one only. */
export class LockedError extends ProcessError {
  readonly pid: number | undefined;
  constructor(file: string, pid: number | undefined, sentence?: string) {
    super('LOCKED', sentence ?? `${file} is locked by ${pid === undefined ? 'another process' : `process ${pid}`}.`);
    this.pid = pid;
  }
}
