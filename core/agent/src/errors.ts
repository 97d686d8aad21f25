/** Every failure of the agent that a caller can tell apart carries a stable code and a sentence for a person. */
export class AgentError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** In a task's log the sentence is what an operator needs; a stack trace of ours would bury it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.message;
  }
}

export class ServerUnreachableError extends AgentError {
  readonly server: string;
  constructor(server: string, options?: ErrorOptions) {
    const why = options?.cause instanceof Error ? ` (${options.cause.message})` : '';
    super(
      'SERVER_UNREACHABLE',
      `The server ${server} does not answer${why}. Check its address and that it runs.`,
      options,
    );
    this.server = server;
  }
}

export class JoinRefusedError extends AgentError {
  constructor(server: string, why: string) {
    const reason = why.replace(/\.$/, '');
    const advice = reason.includes('join token') ? '' : ' Ask for a new join token.';
    super('JOIN_REFUSED', `The server ${server} did not let this host join: ${reason}.${advice}`);
  }
}

export class AuthorityMismatchError extends AgentError {
  constructor(server: string, sha256: string) {
    super(
      'AUTHORITY_MISMATCH',
      `The server ${server} does not have the authority ${sha256} that this host is to trust, so nothing was sent to it. Take the address and the SHA-256 from one and the same join command, and find out who answers there.`,
    );
  }
}

export class NotJoinedError extends AgentError {
  constructor(root: string) {
    super(
      'NOT_JOINED',
      `The host root ${root} has not joined a server yet. Start the agent with a join token, --enrol and --ca-sha256, as "stackyard host add" prints them.`,
    );
  }
}

export class AgentRunningError extends AgentError {
  constructor(root: string, pid: number | undefined) {
    const who = pid === undefined ? 'Another agent' : `Another agent (process ${pid})`;
    super('AGENT_RUNNING', `${who} manages the host root ${root} already. Stop it, or give this one another root.`);
  }
}

export class DigestMismatchError extends AgentError {
  /** The reason an attempt fails with. */
  readonly reason = 'ARTIFACT_INTEGRITY';
  readonly digest: string;
  constructor(what: string, digest: string, found: string) {
    super(
      'ARTIFACT_INTEGRITY',
      `${what} has digest ${found} instead of ${digest}. Its bytes were changed on the way or on the disk; nothing of it was used.`,
    );
    this.digest = digest;
  }
}

export class DownloadFailedError extends AgentError {
  readonly reason = 'PACKAGE_UNAVAILABLE';
  constructor(what: string, why: string, options?: ErrorOptions) {
    super('DOWNLOAD_FAILED', `${what} could not be downloaded from the server: ${why}. Retry the task.`, options);
  }
}

export class SecretsRefusedError extends AgentError {
  constructor(why: string) {
    super('SECRETS_REFUSED', `The server gave no secrets for this task: ${why}`);
  }
}

/** Something a phase found or could not do; the sentence is the operator's. */
export class PhaseError extends AgentError {
  constructor(message: string, options?: ErrorOptions) {
    super('PHASE_FAILED', message, options);
  }
}

/** What would be written is not what the plan showed. Nothing was written. */
export class IntegrityError extends AgentError {
  readonly reason = 'ARTIFACT_INTEGRITY';
  constructor(message: string) {
    super('ARTIFACT_INTEGRITY', message);
  }
}

/** The Node binary for an architecture is neither installed nor to be had from the npm registry. */
export class NodeBinaryError extends AgentError {
  constructor(name: string, why: string, options?: ErrorOptions) {
    super(
      'NODE_BINARY',
      `Node for agents (the npm package ${name}) is not here and could not be fetched: ${why}. Let the server reach the npm registry (npm_config_registry names it), or run it on a machine of that architecture.`,
      options,
    );
  }
}
