import { writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type as systemName } from 'node:os';
import { join } from 'node:path';
import { type BuiltStack, buildStack, readArtifact } from '@stackyard/sdk/build';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { CancelledError, CliError } from '../errors.ts';
import { Interrupts } from '../demo/interrupts.ts';
import { step } from '../output/step.ts';
import type { Terminal } from '../output/terminal.ts';
import type { Kit, Step } from './kit.ts';
import { type ContractReport, isKept, reportText, type StepResult } from './report.ts';
import { hostsFor, stackPath } from './place.ts';
import { sendArtifact } from './sendArtifact.ts';
import { contractSettings } from './settings.ts';
import { LocalSite } from './site.ts';
import { STEPS } from './steps.ts';
import { TestCluster } from './testCluster.ts';

export interface ContractOptions {
  /** The stack's package. */
  readonly folder: string;
  readonly hosts?: number | undefined;
  readonly packageOrigin?: string | undefined;
  /** Kept with all logs; else nothing is left. */
  readonly dataDir?: string | undefined;
}

/** Runs the contract with the real product and writes contract-report.json and .md beside the package. @returns whether it was kept */
export async function runContract(options: ContractOptions, terminal: Terminal): Promise<boolean> {
  const { folder } = options;
  const settings = await contractSettings(folder);
  const built = await step(
    terminal,
    'Building the artifact',
    () => buildStack(folder).catch(explained),
    ({ manifest, digest }) => `${manifest.name} ${manifest.version} is built (${digest.slice(0, 20)}…)`,
  );
  const hosts = options.hosts ?? settings.hosts ?? hostsFor(built.manifest);
  const earlier = settings.upgradeFrom === undefined ? [] : [settings.upgradeFrom];
  const [older] = await Promise.all(earlier.map((file) => manifestOf(stackPath(folder, file))));
  const startedAt = new Date().toISOString();
  const interrupts = new Interrupts();
  const steps: StepResult[] = [];
  let site: LocalSite | undefined;
  try {
    await interrupts.orElse(async () => {
      site = await step(
        terminal,
        `Starting a server and ${hosts} local hosts`,
        () =>
          LocalSite.start({
            stacks: [...[...settings.with, ...earlier].map((stack) => stackPath(folder, stack)), built.file],
            hosts,
            packageOrigin: options.packageOrigin,
            dataDir: options.dataDir,
            env: terminal.env,
          }),
        ({ layout }) => `A server and ${hosts} local hosts run in ${layout.dir}`,
      );
      const { manifest } = built;
      const services = manifest.services.map(({ name }) => name);
      const { api, layout } = site;
      const rebuild = async (): Promise<string> => {
        const again = await buildStack(folder, { outDir: layout.dir, revision: 'contract' });
        await sendArtifact(api, again.file);
        return again.manifest.version;
      };
      const kit = { site, cluster: new TestCluster(api, 'contract'), manifest, older, rebuild, settings, services };
      for (const each of STEPS) {
        const result = await keep(each, kit, terminal);
        steps.push(result);
        if (result.outcome === 'broken') break;
      }
    });
  } catch (error) {
    if (error instanceof CancelledError)
      throw new CancelledError('The contract was interrupted; no report was written.');
    throw error;
  } finally {
    interrupts.end();
    await site?.stop();
  }
  const report = reportOf(built, { hosts, startedAt, steps });
  await writeReport(folder, report, terminal);
  return isKept(report);
}

async function keep(each: Step, kit: Kit, terminal: Terminal): Promise<StepResult> {
  const { name, promise } = each;
  const reason = each.skip?.(kit);
  if (reason !== undefined) {
    terminal.err(`${terminal.colours.dim(`· ${name}: ${reason}`)}\n`);
    return { name, promise, outcome: 'skipped', detail: reason, seconds: 0 };
  }
  const begun = performance.now();
  const result = (outcome: StepResult['outcome'], detail: string): StepResult => ({
    name,
    promise,
    outcome,
    detail,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
  });
  try {
    return result(
      'kept',
      await step(
        terminal,
        `${name}: ${promise}`,
        () => each.run(kit),
        () => `${name}: ${promise}`,
      ),
    );
  } catch (error) {
    const { message } = error as Error;
    terminal.err(`${terminal.colours.red('✗')} ${name}: ${promise}\n  ${message}\n`);
    return result('broken', message);
  }
}

async function manifestOf(file: string): Promise<StackManifest> {
  return (await readArtifact(file).catch(explained)).manifest;
}

function reportOf(
  { manifest, digest }: BuiltStack,
  { hosts, startedAt, steps }: Pick<ContractReport, 'hosts' | 'startedAt' | 'steps'>,
): ContractReport {
  const [processor] = cpus();
  return {
    format: 1,
    stack: { name: manifest.name, version: manifest.version, digest },
    services: manifest.services.map(({ name, version }) => ({ name, version })),
    sdk: manifest.sdk,
    hosts,
    machine: `${cpus().length} × ${processor?.model.trim() ?? 'processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, ${systemName()} ${release()}`,
    startedAt,
    steps,
  };
}

async function writeReport(folder: string, report: ContractReport, terminal: Terminal): Promise<void> {
  const file = join(folder, 'contract-report');
  await writeFile(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(`${file}.md`, reportText(report));
  const kept = report.steps.filter(({ outcome }) => outcome === 'kept').length;
  const { green, red } = terminal.colours;
  const verdict = isKept(report) ? `${green('✓')} The contract is kept` : `${red('✗')} The contract is broken`;
  terminal.err(`\n${verdict}: ${kept} of ${STEPS.length} promises were seen. The report is ${file}.md and .json.\n`);
}

function explained(error: unknown): never {
  throw new CliError((error as Error).message, 1, { cause: error });
}
