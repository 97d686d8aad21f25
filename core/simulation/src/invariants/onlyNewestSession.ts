import type { Invariant } from './invariant.ts';

export const onlyNewestSession: Invariant = {
  name: 'I8',
  sentence: 'Nothing said in a superseded session or by a server of a lower epoch changes anything.',
  checker() {
    const obeyed = new Map<number, number>();
    return (observation, facts) => {
      if (observation.kind === 'heard' && observation.superseded && observation.effects > 0) {
        return `${observation.by} acted on "${observation.message}" of a superseded session.`;
      }
      if (observation.kind === 'committed' && observation.epoch < facts.tables.installation.epoch) {
        return `A server of epoch ${observation.epoch} wrote ${observation.after.id}; the epoch is ${facts.tables.installation.epoch}.`;
      }
      if (observation.kind !== 'obeyed') return undefined;
      const { host, epoch } = observation;
      const highest = obeyed.get(host) ?? 0;
      obeyed.set(host, Math.max(highest, epoch));
      return epoch < highest
        ? `Host ${host} obeys a server of epoch ${epoch} after it had obeyed epoch ${highest}.`
        : undefined;
    };
  },
};
