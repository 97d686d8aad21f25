import { defineError } from '@stackyard/kernel';

/** A certificate signing request that nothing is signed for. */
export class RequestRefusedError extends defineError(
  'CERTIFICATE_REQUEST_REFUSED',
  'The certificate request is refused',
  ({ reason }: { reason: string }) => `The certificate request ${reason}. Send a PKCS #10 request for a P-256 key.`,
) {}

export class AuthorityElsewhereError extends defineError(
  'AUTHORITY_ELSEWHERE',
  'The authority belongs to another installation',
  ({ dir, found, expected }: { dir: string; found: string; expected: string }) =>
    `The certificate authority in ${dir} is that of installation ${found}, but the database is that of ${expected}. Give the server the data directory and the database that belong together.`,
) {}

export class AuthorityDamagedError extends defineError(
  'AUTHORITY_DAMAGED',
  'The authority cannot be read',
  ({ dir, reason }: { dir: string; reason: string }) =>
    `The certificate authority in ${dir} cannot be read: ${reason}. Restore the folder from a backup; without one delete it, and let every host join again.`,
) {}

export class RotationStepError extends defineError(
  'ROTATION_STEP',
  'The rotation is not there',
  ({ step, phase, possible }: { step: string; phase: string; possible: readonly string[] }) =>
    `The rotation of the authority is ${phase}, so "${step}" is not possible now. Possible: ${possible.join(', ')}.`,
) {}

export class AgentsBehindError extends defineError(
  'AGENTS_BEHIND',
  'Agents are not that far',
  ({ step, hosts, why }: { step: string; hosts: readonly string[]; why: string }) =>
    `"${step}" would cut off ${hosts.length === 1 ? 'a host' : `${hosts.length} hosts`} that ${why}: ${listed(hosts)}. Wait until they are there, remove or revoke them, or force it and let them join again.`,
) {}

const SHOWN = 20;

function listed(hosts: readonly string[]): string {
  const shown = hosts.slice(0, SHOWN).join(', ');
  return hosts.length > SHOWN ? `${shown} and ${hosts.length - SHOWN} more` : shown;
}
