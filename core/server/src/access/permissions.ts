import type { Permission, Principal } from '@stackyard/contract';
import { ForbiddenError } from '../api/errors.ts';

/** Who may do what. Nobody else may do anything: what is not in the table is refused. */
const allowed: Readonly<Record<string, (permission: Permission, clusterId: string | undefined) => boolean>> = {
  admin: () => true,
};

/** @throws ForbiddenError naming the permission that is missing. */
export function authorize(principal: Principal, permission: Permission, clusterId: string | undefined): void {
  if (allowed[principal.name]?.(permission, clusterId) !== true) throw new ForbiddenError(permission);
}
