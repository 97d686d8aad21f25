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
  ({ name, version, users }: { name: string; version: string; users: readonly string[] }) =>
    `${name}@${version} is installed with other contents, which are in use: ${users.join(', ')}. Raise the version in its package.json to offer the new ones beside them.`,
) {}

export class StackInUseError extends defineError(
  'STACK_IN_USE',
  'The stack is in use',
  ({ name, version, users }: { name: string; version: string; users: readonly string[] }) =>
    `${name} ${version} is in use: ${users.join(', ')}. Upgrade or remove ${users.length === 1 ? 'it' : 'these'} first.`,
) {}

export class StackRefusedError extends defineError(
  'STACK_REFUSED',
  'The stack is not accepted',
  ({ name, errors }: { name: string; errors: readonly Notice[] }) =>
    `${name} is not accepted: ${errors.map(({ message }) => message).join(' ')}`,
) {}
