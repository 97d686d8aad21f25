import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { afterAll, expect, test } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly workspaces: readonly string[];
}
const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
const readme = readFileSync('README.md', 'utf8');
const folders = globSync(manifestOf('.').workspaces.map((glob) => `${glob}/package.json`)).map(dirname);
const readmes = ['.', ...folders].map((folder) => join(folder, 'README.md')).filter((file) => existsSync(file));

// Inside the checkout, so that the examples find its packages as their readers do.
const scratch = 'reports/readme';
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The first example of a README, when it imports what it uses. */
function example(file: string): string | undefined {
  const code = /```ts\n(.*?)```/s.exec(readFileSync(file, 'utf8'))?.[1];
  return code?.includes("from '@stack") ? code : undefined;
}

test('the examples of the READMEs compile', () => {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const compilerOptions = { composite: false, noEmit: true };
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions }),
  );
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  const examples = readmes.flatMap((file) => {
    const code = example(file);
    if (!code) return [];
    writeFileSync(join(scratch, `${dirname(file).replaceAll(/\W/g, '-')}.ts`), code);
    return [file];
  });
  expect(examples).toContain('README.md');
  const { error, stdout } = spawnSync('tsc', ['-p', scratch], { encoding: 'utf8' });
  expect(error).toBeUndefined();
  // Packages are checked on their own, and a name that an example leaves to its reader (TS2304) is none of ours.
  const problems = stdout.split('\n').filter((line) => line.startsWith(scratch) && !line.includes('error TS2304'));
  expect(problems).toEqual([]);
}, 300_000);

test('the stack of the README becomes a manifest with its service, component and properties', () => {
  const program = `${example('README.md')!.replace('export default', 'const stack =')}
    const { toManifest } = await import('@stackyard/sdk/build');
    const { services } = toManifest(stack, { name: 'zookeeper', version: '0.1.0', sdk: '0.1.0' });
    console.log(JSON.stringify(services.map(({ name, components }) => [name, components.map(({ name }) => name)])));`;
  const flags = ['--conditions=@stackyard/source', '--input-type=module-typescript', '--eval', program];
  const printed = execFileSync(process.execPath, flags, { encoding: 'utf8', stdio: 'pipe' });
  expect(JSON.parse(printed)).toEqual([['zookeeper', ['zookeeper_server']]]);
});

test('every link of a README leads somewhere', () => {
  const dead = readmes.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('the map of the README names every package', () => {
  const unnamed = folders.filter((folder) => !readme.includes(`](${folder}`));
  expect(unnamed).toEqual([]);
});
