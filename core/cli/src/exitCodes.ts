/** What the exit code of `stackyard` says; scripts rely on it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  cancelled: 3,
  authentication: 4,
  jobFailed: 5,
  conflict: 6,
  notFound: 7,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const byStatus: Readonly<Record<number, ExitCode>> = {
  401: EXIT.authentication,
  403: EXIT.authentication,
  404: EXIT.notFound,
  409: EXIT.conflict,
  410: EXIT.conflict,
  412: EXIT.conflict,
  428: EXIT.conflict,
};

/** The exit code of a refused request. */
export function exitCodeOf(status: number): ExitCode {
  return byStatus[status] ?? EXIT.failed;
}

/** The exit code of a job that ended in this state. */
export function exitCodeOfJob(state: string): ExitCode {
  if (state === 'SUCCESSFUL') return EXIT.ok;
  return state === 'CANCELED' ? EXIT.cancelled : EXIT.jobFailed;
}
