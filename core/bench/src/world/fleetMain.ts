/** Simulated agents in a process of their own: their options as JSON in the first argument. */
import { startFleet } from '@stackyard/fleet';

export interface FleetArguments {
  readonly server: string;
  readonly tokens: readonly string[];
  readonly names: readonly string[];
}

const { server, tokens, names } = JSON.parse(process.argv[2] ?? '{}') as FleetArguments;
const fleet = await startFleet({
  server,
  agents: names.length,
  join: tokens,
  hostName: (index) => names[index] ?? '',
  executor: { durationMs: 0 },
});
await fleet.untilConnected();
process.stdout.write(`${JSON.stringify({ agents: names.length })}\n`);
process.once('SIGTERM', () => void fleet.stop().then(() => process.exit(0)));
