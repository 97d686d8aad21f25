import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How an agent acts in a test of the launcher. */
export type Conduct = 'connects' | 'hangs' | 'crashes';

const conducts: Readonly<Record<Conduct, string>> = {
  connects: 'echo "$STACKYARD_AGENT_VERSION $$" >"$STACKYARD_LAUNCHER/connected"\nwhile :; do sleep 0.1; done',
  hangs: 'while :; do sleep 0.1; done',
  crashes: 'exit 3',
};

/** Puts a version in place whose "Node" is a script that notes its start with its arguments and acts as told. */
export async function placeVersion(base: string, version: string, conduct: Conduct): Promise<void> {
  const dir = join(base, 'versions', version);
  await mkdir(join(dir, 'bin'), { recursive: true });
  await mkdir(join(dir, 'agent'));
  await writeFile(join(dir, 'agent/agent.mjs'), '');
  await writeFile(join(dir, 'node.args'), '--one\n--two\n');
  const script = `#!/bin/sh\ntrap 'echo said goodbye >>"$STACKYARD_LAUNCHER/goodbyes"; trap - TERM; sleep 0.3; echo ended well >>"$STACKYARD_LAUNCHER/goodbyes"; exit 0' TERM\necho "$STACKYARD_AGENT_VERSION $$ $*" >>"$STACKYARD_LAUNCHER/starts"\n${conducts[conduct]}\n`;
  await writeFile(join(dir, 'bin/node'), script);
  await chmod(join(dir, 'bin/node'), 0o755);
}
