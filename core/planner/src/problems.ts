import { PlanRefusedError } from './errors.ts';
import type { Notice } from './plan.ts';

/** A JSON pointer (RFC 6901) from its unescaped parts. */
export function pointer(...parts: readonly (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Collects what is wrong with a request, so that the operator learns all of it in one answer. */
export class Problems {
  readonly refusals: Notice[] = [];
  readonly warnings: Notice[] = [];

  refuse(code: string, message: string, at?: string): void {
    this.refusals.push(at === undefined ? { code, message } : { code, message, pointer: at });
  }

  warn(code: string, message: string, at?: string): void {
    this.warnings.push(at === undefined ? { code, message } : { code, message, pointer: at });
  }

  /** Throws PlanRefusedError when anything was refused. */
  settle(): void {
    if (this.refusals.length > 0) throw new PlanRefusedError(this.refusals);
  }
}
