import { HostFailure } from './failure.ts';
import type { HostKey, HostKeys } from './hostKeys.ts';
import { SshSession } from './session.ts';
import type { Target } from './targets.ts';
import type { Probed } from './views.ts';

/** The key was seen, and nobody is logged in. */
class Seen extends Error {}

/** Asks a machine for its host key and logs in nowhere. */
export async function probe(target: Target, keys: HostKeys, signal: AbortSignal): Promise<Probed> {
  let key: HostKey | undefined;
  try {
    const verify = (shown: HostKey): never => {
      key = shown;
      throw new Seen();
    };
    const session = await SshSession.open({ ...target, user: 'probe', proof: {}, verify, signal });
    session.end();
  } catch (error) {
    if (!(error instanceof Seen) && !(error instanceof HostFailure)) throw error;
    if (!key) return { ...target, key: null, standing: 'unreachable', message: error.message };
  }
  if (!key) return { ...target, key: null, standing: 'unreachable', message: 'It showed no host key.' };
  const known = await keys.find(target);
  if (!known) return { ...target, key, standing: 'new', message: null };
  if (known.fingerprint === key.fingerprint) return { ...target, key, standing: 'known', message: null };
  return { ...target, key, standing: 'changed', message: changedSentence(target, known.fingerprint, key.fingerprint) };
}

export function changedSentence({ address, port }: Target, known: string, shown: string): string {
  return `THE HOST KEY OF ${address} HAS CHANGED: ${known} was confirmed, ${shown} is shown. Either the machine was installed anew, or somebody is in between. Nothing was sent to it. If you know why, forget the old key: stackyard host forget-key ${address}${port === 22 ? '' : ` --port ${port}`}`;
}

/**
 * Lets a machine through only when its key is the one that was confirmed, now or before.
 * @throws HostFailure
 */
export function verifier(
  target: Target,
  { known, confirmed }: { known: string | undefined; confirmed: string | undefined },
): (key: HostKey) => void {
  return ({ type, fingerprint }) => {
    if (known !== undefined && known !== fingerprint)
      throw new HostFailure('HOST_KEY_CHANGED', changedSentence(target, known, fingerprint));
    if (confirmed !== undefined && confirmed !== fingerprint)
      throw new HostFailure(
        'HOST_KEY_CHANGED',
        `${target.address} shows the host key ${fingerprint} and not ${confirmed}, which was confirmed. Nothing was sent to it. Somebody may be in between.`,
      );
    if (known === undefined && confirmed === undefined)
      throw new HostFailure(
        'HOST_KEY_UNCONFIRMED',
        `Nobody has confirmed the host key of ${target.address}, ${type} ${fingerprint}. Probe it, compare, and confirm.`,
      );
  };
}
