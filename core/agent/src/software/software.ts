import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AgentBundle, buildBundle, NODE_FLAGS } from '../bundle.ts';
import { VERSION } from '../version.ts';
import { filesOf, writeArchive } from './archive.ts';
import { type Architecture, nodeBinary, type NodeSources } from './nodeBinary.ts';

/** What a host needs to run an agent, with nothing there before. */
export interface AgentSoftware {
  /** Such as 0.1.0-9f3c2a7b0d41: another one when anything in it changed. */
  version(): Promise<string>;
  /** The constant script that joins a host. */
  joinScript(): Promise<string>;
  /**
   * Writes the self-contained bundle for an architecture: agent, launcher, unit file and Node. The bytes are the same for
   * the same version. @throws NodeBinaryError
   */
  pack(arch: Architecture, file: string): Promise<void>;
}

const launcher = fileURLToPath(new URL('../launcher/', import.meta.url));

/** The agent as this installation has it. `cacheDir` is for what has to be downloaded. */
export function agentSoftware(sources: NodeSources): AgentSoftware {
  let built: Promise<AgentBundle> | undefined;
  const bundle = (): Promise<AgentBundle> => (built ??= buildBundle().finally(() => (built = undefined)));
  const versionOf = ({ dir }: AgentBundle): string => `${VERSION}-${basename(dir).slice(0, 12)}`;
  return {
    version: async () => versionOf(await bundle()),
    joinScript: () => readFile(`${launcher}join.sh`, 'utf8'),
    async pack(arch, file) {
      const agent = await bundle();
      const { binary, licence } = await nodeBinary(arch, sources);
      const version = versionOf(agent);
      const scripts = ['launcher.sh', 'join.sh', 'stackyard-agent.service'];
      await writeArchive(
        {
          files: {
            ...(await filesOf(dirname(agent.main), 'agent')),
            ...Object.fromEntries(scripts.map((name) => [name, `${launcher}${name}`])),
            'bin/node': binary,
            'bin/LICENSE': licence,
          },
          texts: {
            'bundle.json': `${JSON.stringify({ version, arch })}\n`,
            'node.args': NODE_FLAGS.map((flag) => `${flag}\n`).join(''),
          },
          executable: ['bin/node', 'launcher.sh', 'join.sh', 'agent/keeper.sh'],
        },
        file,
      );
    },
  };
}
