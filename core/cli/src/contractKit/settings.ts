import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError } from '../errors.ts';

const Values = z.record(z.string(), z.record(z.string(), z.json()));

/** What an author says about the real test of a stack, in `contract.json` beside its package.json. */
export const ContractSettings = z.strictObject({
  /** How many local hosts; as many as the components ask for when absent. */
  hosts: z.int().min(1).max(9).optional(),
  /** Stacks that it needs: folders relative to the package, packages by name, or built artifacts. */
  with: z.array(z.string()).default([]),
  /** Services of those stacks to add first, by name. */
  requires: z.array(z.string()).default([]),
  /** By service: smaller sizes for a test, or values that have no default. */
  config: z.record(z.string(), Values).default({}),
  /** By service: host numbers by component, from 1; what is absent is placed as recommended. */
  place: z.record(z.string(), z.record(z.string(), z.array(z.int().min(1).max(9)))).default({}),
  /** An artifact of an older version, relative to the package: the contract begins with it and upgrades to this one. */
  upgradeFrom: z.string().optional(),
  /** By service: the values that the step "reconfigure" sets; one is chosen when absent. */
  change: z.record(z.string(), Values).default({}),
});
export type ContractSettings = z.infer<typeof ContractSettings>;

/** @throws CliError that says what is wrong in which file */
export async function contractSettings(folder: string): Promise<ContractSettings> {
  const file = join(folder, 'contract.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw new CliError(`${file} cannot be read: ${error.code}.`);
  });
  const parsed = ContractSettings.safeParse(jsonOf(text, file));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `/${issue.path.join('/')} ${issue.message}`);
  throw new CliError(`${file} is not right: ${problems.join('; ')}. Correct it.`, 2);
}

function jsonOf(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${file} is no JSON: ${(error as Error).message}. Correct it.`, 2);
  }
}
