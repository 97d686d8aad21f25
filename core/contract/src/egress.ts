import { token } from '@stackyard/kernel';

export interface OutgoingRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only way by which plugins speak to the outside: http and https to addresses that are neither of this machine nor
 * link-local, unless the administrator allows them (`egress.allow`), connected to the address that was checked, without
 * redirects, within limits of time and size. What is answered beyond the status is not told.
 */
export interface Egress {
  /** @throws a StackyardError EGRESS_REFUSED when it may not go there, EGRESS_FAILED when no answer came. */
  post(request: OutgoingRequest): Promise<{ readonly status: number }>;
}
export const Egress = token<Egress>('contract.Egress');
