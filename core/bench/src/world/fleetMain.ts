/** Simulated agents in a process of their own: their options as JSON in the file of the first argument. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { startFleet } from '@stackyard/fleet';

export interface FleetArguments {
  readonly enrolment: { readonly endpoint: string; readonly caSha256: string };
  readonly tokens: readonly string[];
  readonly names: readonly string[];
  /** Written whenever all of them are connected. */
  readonly statusFile: string;
}

export interface FleetReady {
  readonly agents: number;
  /** From the first join to the last. */
  readonly joinedMs: number;
}

export interface FleetStatus {
  /** Milliseconds since 1970. */
  readonly completeAt: number;
  readonly connections: number;
}

const { enrolment, tokens, names, statusFile } = JSON.parse(
  readFileSync(process.argv[2] ?? '', 'utf8'),
) as FleetArguments;
const beganMs = performance.now();
const fleet = await startFleet({
  enrolment,
  agents: names.length,
  join: tokens,
  hostName: (index) => names[index] ?? '',
  executor: { duration: { kind: 'fixed', ms: 0 } },
});
const joinedMs = performance.now() - beganMs;
await fleet.untilConnected();
let complete = false;
setInterval(() => {
  const { agents, connected, connections } = fleet.stats();
  if (complete === (connected === agents)) return;
  complete = !complete;
  if (!complete) return;
  writeFileSync(`${statusFile}.new`, JSON.stringify({ completeAt: Date.now(), connections } satisfies FleetStatus));
  renameSync(`${statusFile}.new`, statusFile);
}, 5);
process.stdout.write(`${JSON.stringify({ agents: names.length, joinedMs } satisfies FleetReady)}\n`);
process.once('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
