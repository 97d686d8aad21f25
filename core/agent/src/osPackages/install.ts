import { PhaseError } from '../errors.ts';
import { os } from '../facts/os.ts';
import { findInPath } from '../facts/tools.ts';
import type { PhaseContext } from '../phases/context.ts';
import { runProgram } from '../phases/programs.ts';
import { fixedEnvironment } from '../processes/spec.ts';
import { commandForPeople, type PackageTool, TOOLS, withProgram } from './families.ts';
import { withoutServiceStarts } from './policy.ts';

type Run = (command: readonly [string, ...string[]]) => Promise<{ readonly stdout: string }>;

/**
 * Puts on the host what the service needs of the operating system and the host does not have. Without root rights it is
 * only looked for. It stays when the component goes: others may use it.
 * @throws PhaseError with the command that an administrator has to run
 */
export async function installOsPackages(context: PhaseContext): Promise<void> {
  const named = context.service.requires.os;
  if (!named) return;
  const { name, family } = await os();
  const wanted = family && named[family];
  const { host } = context.inputs.self;
  if (!family || !wanted) {
    const families = Object.keys(named).join(' and ');
    throw new PhaseError(
      `${context.service.title} names its packages of the operating system for ${families}, and host ${host} runs ${name}. Choose another host.`,
    );
  }
  const tool = TOOLS[family];
  const missing = await missingOf(tool, wanted, quietly(context, tool));
  if (missing.length === 0) return context.log(`Found ${wanted.join(', ')} of the operating system.`);
  if (process.getuid?.() !== 0) {
    const command = commandForPeople(family, missing);
    throw new PhaseError(
      `${context.service.title} needs ${missing.join(', ')} on host ${host}, and the agent there has no root rights to install it. Have an administrator run there: ${command}; then retry the task.`,
    );
  }
  context.log(`Installing ${missing.join(', ')} of the operating system.`);
  const run = loudly(context, tool);
  if (family === 'debian') await withoutServiceStarts(() => installMissing(tool, missing, run));
  else await installMissing(tool, missing, run);
  const still = await missingOf(tool, missing, quietly(context, tool));
  if (still.length > 0)
    throw new PhaseError(`${still.join(', ')} is not there after it was installed. See the log of the task.`);
  await keepFromBoot(context, tool, missing);
  context.log(`Installed ${missing.join(', ')}.`);
}

async function missingOf(tool: PackageTool, names: readonly string[], run: Run): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) {
    const isThere = await run(tool.isInstalled(name)).then(
      ({ stdout }) => tool.installed.test(stdout),
      () => false,
    );
    if (!isThere) missing.push(name);
  }
  return missing;
}

/** Once more where the lists were too old, or what an earlier run left half done has been put right. */
async function installMissing(tool: PackageTool, names: readonly string[], run: Run): Promise<void> {
  const programs = { dnf: await findInPath('dnf'), yum: await findInPath('yum') };
  const command = withProgram(tool.install(names), (name) => programs[name as keyof typeof programs] !== undefined);
  const remedies = [
    { when: tool.repair?.when, how: tool.repair?.how },
    { when: tool.outdated, how: tool.refresh },
  ];
  for (;;) {
    try {
      await run(command);
      return;
    } catch (error) {
      const index = remedies.findIndex(({ when, how }) => how && when?.test((error as Error).message));
      const how = remedies[index]?.how;
      if (!how) throw error;
      remedies.splice(index, 1);
      await run(how);
    }
  }
}

/** The keeper starts the process; the unit that came with a package would start another one at the next boot. */
async function keepFromBoot(context: PhaseContext, tool: PackageTool, names: readonly string[]): Promise<void> {
  if (tool !== TOOLS.debian || (await findInPath('systemctl')) === undefined) return;
  const run = quietly(context, tool);
  for (const name of names) {
    const { stdout } = await run(['dpkg-query', '-L', '--', name]);
    const units = stdout
      .split('\n')
      .flatMap((path) => /\/lib\/systemd\/system\/([^/@]+\.service)$/.exec(path)?.[1] ?? []);
    if (units.length === 0) continue;
    const disabled = await run(['systemctl', 'disable', '--quiet', '--', ...units]).then(
      () => true,
      () => false,
    );
    const what = units.join(', ');
    context.log(
      disabled
        ? `${what} of ${name} does not start by itself: Stackyard starts it.`
        : `${what} of ${name} could not be disabled. It may start by itself at the next boot; see "systemctl is-enabled ${units[0]}".`,
    );
  }
}

/** As the agent's own user, for that is root; its output goes to the log as it comes. */
function loudly(context: PhaseContext, tool: PackageTool): Run {
  return ([program, ...args]) => {
    context.log(`$ ${[program, ...args].join(' ')}`);
    return runProgram(context, program, args, { env: { ...fixedEnvironment, ...tool.env }, cwd: '/', user: '' });
  };
}

function quietly(context: PhaseContext, tool: PackageTool): Run {
  const silent = { ...context, log: () => undefined };
  return ([program, ...args]) =>
    runProgram(silent, program, args, { env: { ...fixedEnvironment, ...tool.env }, cwd: '/', user: '' });
}
