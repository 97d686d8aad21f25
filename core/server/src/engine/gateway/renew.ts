import { type sendUnaryData, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Logger } from '@stackyard/kernel';
import type { RenewReply, RenewRequest__Output } from '@stackyard/proto';
import type { Caller } from '../../identity/caller.ts';
import { RequestRefusedError } from '../../identity/errors.ts';
import type { Identity } from '../../identity/identity.ts';

/** Answers an agent that asks for its next certificate by the one it has. */
export async function renew(
  { request }: ServerUnaryCall<RenewRequest__Output, RenewReply>,
  reply: sendUnaryData<RenewReply>,
  { caller, identity, log }: { readonly caller: Caller; readonly identity: Identity; readonly log: Logger },
): Promise<void> {
  try {
    const signed = await identity.sign(caller.hostId, request.request);
    if (await identity.certificates.renewed(caller, signed)) {
      reply(null, { certificate: signed.pem, authorities: identity.trustedPem });
      return;
    }
    const details = 'The host has as many certificates as it can need, or they were revoked. Try again later.';
    reply({ code: status.RESOURCE_EXHAUSTED, details });
  } catch (error) {
    if (error instanceof RequestRefusedError) {
      reply({ code: status.INVALID_ARGUMENT, details: error.message });
      return;
    }
    log.error({ err: error, hostId: caller.hostId }, 'A certificate could not be renewed');
    reply({ code: status.UNAVAILABLE, details: 'The server could not renew the certificate. Try again.' });
  }
}
