import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuiltStack, buildStack } from '@stackyard/sdk/build';
import { sendArtifact } from '../contractKit/sendArtifact.ts';
import { contractSettings } from '../contractKit/settings.ts';
import { addServices, hostsFor, stackPath } from '../contractKit/place.ts';
import { LocalSite } from '../contractKit/site.ts';
import { TestCluster } from '../contractKit/testCluster.ts';
import { storeContext } from '../demo/context.ts';
import { Interrupts } from '../demo/interrupts.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitCodes.ts';
import { step } from '../output/step.ts';
import type { Terminal } from '../output/terminal.ts';
import { duration } from '../output/time.ts';
import { changesIn } from './watch.ts';

export interface DevOptions {
  /** The stack's package. */
  readonly folder: string;
  readonly hosts?: number | undefined;
  readonly packageOrigin?: string | undefined;
  readonly dataDir?: string | undefined;
}

const CLUSTER = 'dev';

/** Runs a stack on a server of its own and takes every change of its package there, until Ctrl-C. @returns the exit code */
export async function runDev(options: DevOptions, terminal: Terminal): Promise<number> {
  const { folder } = options;
  const settings = await contractSettings(folder);
  const outDir = await mkdtemp(join(tmpdir(), 'stackyard-dev-'));
  const interrupts = new Interrupts();
  let site: LocalSite | undefined;
  let revision = 0;
  const build = (): Promise<BuiltStack> =>
    buildStack(folder, { outDir, revision: `dev.${revision++}` }).catch(explained);
  try {
    await interrupts.orElse(async (signal) => {
      const built = await step(
        terminal,
        'Building the artifact',
        build,
        ({ manifest: { name, version } }) => `${name} ${version} is built`,
      );
      const hosts = options.hosts ?? settings.hosts ?? hostsFor(built.manifest);
      site = await step(
        terminal,
        `Starting a server and ${hosts} local hosts`,
        () =>
          LocalSite.start({
            stacks: [...settings.with.map((stack) => stackPath(folder, stack)), built.file],
            hosts,
            packageOrigin: options.packageOrigin,
            dataDir: options.dataDir,
            env: terminal.env,
          }),
        ({ url }) => `A server runs at ${url}`,
      );
      const dev = new Dev(site, built, terminal);
      await step(
        terminal,
        'Installing its services',
        () => dev.begin(addServices(built.manifest, settings), settings.requires),
        () => 'Its services run',
      );
      await storeContext(terminal, { url: site.url, tokenFile: site.tokenFile, cluster: CLUSTER }, CLUSTER);
      terminal.err(`\nCommands speak to it by --context ${CLUSTER}. Change a file of ${folder}; Ctrl-C ends it.\n\n`);
      for await (const files of changesIn(folder, signal)) await dev.take(files, build);
    });
    return EXIT.ok;
  } catch (error) {
    if (interrupts.came) return EXIT.ok;
    throw error;
  } finally {
    await step(
      terminal,
      'Stopping services, agents and server',
      async () => site?.stop(),
      () => 'Everything that was started has ended',
    );
    interrupts.end();
    await rm(outDir, { recursive: true, force: true });
  }
}

type Additions = ReturnType<typeof addServices>;

/** The cluster that an author tries changes in. */
class Dev {
  readonly #site: LocalSite;
  readonly #cluster: TestCluster;
  readonly #terminal: Terminal;
  readonly #services: readonly string[];

  constructor(site: LocalSite, { manifest }: BuiltStack, terminal: Terminal) {
    this.#site = site;
    this.#cluster = new TestCluster(site.api, CLUSTER);
    this.#terminal = terminal;
    this.#services = manifest.services.map(({ name }) => name);
  }

  async begin(additions: Additions, requires: readonly string[]): Promise<void> {
    await this.#cluster.create(this.#site.hosts.map(({ name }) => name));
    if (requires.length > 0) {
      await this.#cluster.run({ command: 'add', services: requires.map((service) => ({ service })) });
      for (const service of requires) await this.#cluster.untilHealthy(service);
    }
    await this.#cluster.run({ command: 'add', services: additions });
  }

  /** Builds what changed, sends it to the server and takes the services there. What is wrong is told, and nothing ends. */
  async take(files: readonly string[], build: () => Promise<BuiltStack>): Promise<void> {
    const { green, red, dim } = this.#terminal.colours;
    const begun = performance.now();
    const sofar = (): string => duration(performance.now() - begun);
    this.#terminal.err(`${dim(`${files.join(', ')} changed`)}\n`);
    try {
      const { file, manifest } = await build();
      await sendArtifact(this.#site.api, file);
      this.#terminal.err(`${green('✓')} ${manifest.version} is on the server ${dim(`(after ${sofar()})`)}\n`);
      for (const { name } of manifest.services.filter(({ name: each }) => this.#services.includes(each))) {
        await this.#cluster.run({ command: 'upgrade', service: name, version: manifest.version });
      }
      this.#terminal.err(`${green('✓')} ${manifest.version} runs ${dim(`(after ${sofar()})`)}\n`);
      const others = manifest.services.filter(({ name }) => !this.#services.includes(name));
      if (others.length > 0)
        this.#terminal.err(`  New: ${others.map(({ name }) => name).join(', ')}. Add it by "stackyard service add".\n`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#terminal.err(`${red('✗')} ${error.message}\n  What ran before goes on. Change a file to try again.\n`);
    }
  }
}

function explained(error: unknown): never {
  throw new CliError((error as Error).message, 1, { cause: error });
}
