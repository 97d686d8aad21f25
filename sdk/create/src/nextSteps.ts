import { relative } from 'node:path';
import type { Scaffolded } from './scaffold.ts';

/** What an author reads after the scaffold was written. */
export function nextSteps({ folder, package: name, files }: Scaffolded, workingDirectory: string): string {
  const path = relative(workingDirectory, folder) || '.';
  return `${name} is begun in ${path}:
${files.map((file) => `  ${file}`).join('\n')}

Next:
${path === '.' ? '' : `  cd ${path}\n`}  npm install
  npm test            # what every stack promises, and the example's own test
  npm run check       # everything that is wrong, with file, line and remedy
  npm run dev         # change a file, see it on a running server

src/index.ts is the whole stack. README.md says how it is tested for real and published.
`;
}
