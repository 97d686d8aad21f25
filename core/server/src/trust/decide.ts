import { isGrave, type SignatureProblem, type Verified } from '@stackyard/sdk/artifact';
import semver from 'semver';
import type { AllowanceRow, Basis, OriginKind, Policy, StackPinRow } from '../database/entities.ts';

/** What an administrator may say about one installation, each for its own risk. */
export interface Allow {
  /** A version that is older than the newest installed one. */
  readonly downgrade?: boolean | undefined;
  /** Unsigned, although the package was signed before. */
  readonly unsigned?: boolean | undefined;
  /** Other contents under a version that was installed unsigned, while no service runs from it. */
  readonly replace?: boolean | undefined;
}

export type RefusalCode =
  | Exclude<SignatureProblem, 'UNSIGNED'>
  | 'UNSIGNED'
  | 'NOT_LISTED'
  | 'NOT_AS_SIGNED'
  | 'NOT_AS_CLAIMED'
  | 'PINNED'
  | 'STRIPPED'
  | 'DOWNGRADE';

/** Why an artifact is not let in, as the rest of a sentence, and what would help. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
  readonly remedy: string;
}

export type Admission = { readonly basis: Basis } | { readonly refusal: Refusal };

type NameVersion = { readonly name: string; readonly version: string };

/** Whether a byte of an artifact may be parsed, from nothing but its digest and what is said of it. */
export function admit(given: {
  readonly digest: string;
  readonly verified: Verified;
  readonly policy: Policy;
  readonly origin: OriginKind;
  /** What whoever brings it says it is. */
  readonly claimed?: NameVersion | undefined;
  readonly allowances: readonly Pick<AllowanceRow, 'digest' | 'package' | 'version'>[];
  /** Why these very contents were let in before, where they are installed. */
  readonly installed?: Basis | undefined;
}): Admission {
  const { digest, verified, policy, origin, claimed, allowances, installed } = given;
  if (verified.verdict === 'trusted') return { basis: 'signature' };
  const { problem, reason } = verified;
  if (isGrave(problem)) return { refusal: { code: problem, reason, remedy: GRAVE_REMEDY } };
  if (installed) return { basis: installed };
  if (origin === 'configuration') return { basis: 'configuration' };
  const listed = allowances.some(
    (each) =>
      each.digest === digest ||
      (claimed !== undefined && each.package === claimed.name && each.version === claimed.version),
  );
  if (policy !== 'signed' && listed) return { basis: 'allow-list' };
  if (policy === 'any') return { basis: 'any' };
  return policy === 'signed'
    ? { refusal: { code: problem, reason, remedy: SIGNED_REMEDY } }
    : { refusal: { code: 'NOT_LISTED', reason: `${reason}, and it is not on the list`, remedy: listRemedy(digest) } };
}

const GRAVE_REMEDY = 'Get it anew from its publisher, and tell them.';
const SIGNED_REMEDY =
  'This server takes signed stacks only: trust the publisher by "stackyard publisher add", or let stacks in one by one by "stackyard trust set allow-listed".';
const listRemedy = (digest: string): string => `"stackyard trust allow ${digest}" lets it in.`;

/** What was read of an artifact against what was said of it and against what was installed before. */
export function judge(given: {
  readonly found: NameVersion & { readonly digest: string };
  readonly verified: Verified;
  readonly basis: Basis;
  readonly claimed?: NameVersion | undefined;
  readonly allow: Allow;
  /** Of every version of this package that ever was installed. */
  readonly pins: readonly Pick<StackPinRow, 'version' | 'digest' | 'publisher'>[];
  /** Other versions of this package that are installed. */
  readonly installed: readonly string[];
  /** The digest of this version where it is installed. */
  readonly there?: string | undefined;
}): Refusal | undefined {
  const { found, verified, basis, claimed, allow, pins, installed, there } = given;
  const is = `${found.name}@${found.version}`;
  const signed = verified.verdict === 'trusted' ? verified.signed : undefined;
  if (signed && (signed.package !== found.name || signed.version !== found.version)) {
    const reason = `it is ${is}, and its signature is for ${signed.package}@${signed.version}`;
    return { code: 'NOT_AS_SIGNED', reason, remedy: GRAVE_REMEDY };
  }
  if (claimed && (claimed.name !== found.name || claimed.version !== found.version)) {
    const reason = `it is ${is}, and ${claimed.name}@${claimed.version} was asked for`;
    return { code: 'NOT_AS_CLAIMED', reason, remedy: 'Correct the name, or ask whoever publishes it.' };
  }
  // What is installed is not let in once more: nothing changes, whatever would be said of it today.
  if (there === found.digest) return undefined;
  const pin = pins.find(({ version }) => version === found.version);
  const development = basis === 'configuration' || allow.replace === true;
  if (pin && pin.digest !== found.digest && (pin.publisher !== null || signed || !development)) {
    const reason = `${is} is known with the digest ${pin.digest}, and this has ${found.digest}`;
    const remedy =
      pin.publisher === null && !signed
        ? 'A version never changes: raise it, or say that this development version is to be replaced (--replace).'
        : 'A signed version never changes: its publisher has to raise the version.';
    return { code: 'PINNED', reason, remedy };
  }
  const before = pins.find(({ publisher }) => publisher !== null);
  if (before && !signed && basis !== 'allow-list' && allow.unsigned !== true) {
    const reason = `${before.publisher} has signed ${found.name}@${before.version}, and this has no trusted signature`;
    return {
      code: 'STRIPPED',
      reason,
      remedy:
        'Somebody may have taken the signature away: get the signed one, or say that it is to be unsigned (--unsigned).',
    };
  }
  const newest = installed.toSorted(semver.rcompare)[0];
  if (
    newest !== undefined &&
    semver.lt(found.version, newest) &&
    basis !== 'configuration' &&
    allow.downgrade !== true
  ) {
    const reason = `${newest} of it is installed, which is newer`;
    return { code: 'DOWNGRADE', reason, remedy: 'Say so if an older one is meant (--downgrade).' };
  }
  return undefined;
}
