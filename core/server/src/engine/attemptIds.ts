import { AttemptIdError } from './errors.ts';

const ATTEMPT_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/([1-9][0-9]{0,5})$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export function isAttemptId(text: string): boolean {
  return ATTEMPT_ID.test(text);
}

/** @throws AttemptIdError for anything that is not `<uuid>/<number>`, so that no path is ever built from it. */
export function parseAttemptId(attemptId: string): { readonly taskId: string; readonly number: number } {
  const [, taskId, number] = ATTEMPT_ID.exec(attemptId) ?? [];
  if (taskId === undefined) throw new AttemptIdError({ attemptId });
  return { taskId, number: Number(number) };
}
