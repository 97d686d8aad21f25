import type { Host } from '@stackyard/sdk';
import { BROKER } from './config.ts';
import { portOf, run, tool } from './tools.ts';

/** Levels by feature, as the tool shows them. */
async function levelsOf(host: Host): Promise<Record<string, { readonly most: string; readonly final: string }>> {
  const lines = (await tool(host, 'FeatureCommand', 'describe')).split('\n');
  const found = lines.flatMap((line) => {
    const [, name, most, final] =
      /^Feature: (\S+).*SupportedMaxVersion: (.+?)\s+FinalizedVersionLevel: (.+?)\s+Epoch/.exec(line) ?? [];
    return name && most && final ? [[name, { most, final }] as const] : [];
  });
  return Object.fromEntries(found);
}

/**
 * Puts in use what this version can do and the one before it could not. Each feature is named: a quorum whose voters are
 * given by its configs has to keep its kraft.version, and so cannot go to a release as a whole.
 */
export async function finalize(host: Host) {
  const before = await levelsOf(host);
  const { most, final } = before['metadata.version'] ?? { most: 'unknown', final: 'unknown' };
  if (most === final) return { finalized: final, changed: [] };
  const said = await run(host, 'org.apache.kafka.tools.FeatureCommand', 'version-mapping');
  const wanted = [...said.matchAll(/^(\S+)=(\d+)/gm)].filter(([, name]) => name !== 'kraft.version');
  const named = wanted.map(([, name, level]) => `${name}=${level}`);
  const higher = named.filter((feature) => {
    const [name = '', level] = feature.split('=');
    return name === 'metadata.version' || Number(before[name]?.final ?? 0) < Number(level);
  });
  await tool(host, 'FeatureCommand', 'upgrade', ...higher.flatMap((feature) => ['--feature', feature]));
  return { finalized: most, changed: higher };
}

/** Refuses to replace a version by one that cannot read what it has written; asked before anything is stopped. */
export async function readable(host: Host): Promise<void> {
  const answers = host
    .instances(BROKER)
    .map((each) => host.connects(portOf(host, each), { address: each.address, timeoutMs: 2000 }));
  if (!(await Promise.all(answers)).includes(true)) return;
  const { final = '' } = (await levelsOf(host))['metadata.version'] ?? {};
  if (!final.startsWith('UNKNOWN')) return;
  throw new Error(
    `The features of this cluster were finalized for a newer Kafka (metadata.version ${final.replace(/\D/g, '')}), which this one cannot read. There is no way back.`,
  );
}
