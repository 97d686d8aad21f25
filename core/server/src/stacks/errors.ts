import { defineError } from '@stackyard/kernel';
import type { Notice } from '@stackyard/planner';

export class StackNotFoundError extends defineError(
  'STACK_NOT_FOUND',
  'No such stack',
  ({ stack }: { stack: string }) => `There is no stack ${stack}. "stackyard stack list" shows what is installed.`,
) {}

export class StackConflictError extends defineError(
  'STACK_CONFLICT',
  'This version is installed with other contents',
  ({ name, version, services }: { name: string; version: string; services: number }) =>
    `${name}@${version} is installed with other contents, which ${services} service${services === 1 ? ' runs' : 's run'} from. Raise the version in its package.json to offer the new ones beside them.`,
) {}

export class StackRefusedError extends defineError(
  'STACK_REFUSED',
  'The stack is not accepted',
  ({ name, errors }: { name: string; errors: readonly Notice[] }) =>
    `${name} is not accepted: ${errors.map(({ message }) => message).join(' ')}`,
) {}
