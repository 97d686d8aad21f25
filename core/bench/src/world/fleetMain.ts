/** Simulated agents in a process of their own: their options as JSON in the first argument. */
import { startFleet } from '@stackyard/fleet';

export interface FleetArguments {
  readonly enrolment: { readonly endpoint: string; readonly caSha256: string };
  readonly tokens: readonly string[];
  readonly names: readonly string[];
}

const { enrolment, tokens, names } = JSON.parse(process.argv[2] ?? '{}') as FleetArguments;
const fleet = await startFleet({
  enrolment,
  agents: names.length,
  join: tokens,
  hostName: (index) => names[index] ?? '',
  executor: { duration: { kind: 'fixed', ms: 0 } },
});
await fleet.untilConnected();
process.stdout.write(`${JSON.stringify({ agents: names.length })}\n`);
process.once('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
