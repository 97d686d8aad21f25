import { type Host, type Instance, until } from '@stackyard/sdk';
import { type Node, nodes, rmadmin } from './ask.ts';

/** Reads yarn.exclude again. Who is new in it may go on for `drainSeconds`, and gets no new containers. */
export const refreshNodes = (host: Host) => rmadmin(host, '-refreshNodes', '-g', '-server');

/** YARN names a node by what its address resolves to; the platform by the host's name or its address. */
const isOn = ({ nodeHostName }: Node, { host, address }: Instance) =>
  [host, address].some((name) => nodeHostName === name || nodeHostName.startsWith(`${name}.`));

/** Ends when the nodes that go have no container any more, nor results of maps that a running job still needs. */
export async function drain(host: Host, leaving: readonly Instance[]): Promise<void> {
  await refreshNodes(host);
  let said = '';
  await until(host, async () => {
    const left = (await nodes(host)).filter((node) => leaving.some((each) => isOn(node, each)) && !isGone(node));
    if (left.length === 0) return;
    const progress = left.map(({ id, state, numContainers }) => `${id} is ${state} with ${numContainers} containers`);
    const now = `${progress.join(', ')}.`;
    if (now !== said) host.log(now);
    said = now;
    throw new Error(now);
  });
  host.log(`${leaving.map((each) => each.host).join(', ')} has no container any more.`);
}

/** Longer than the longest pause of a keeper and a start. */
const COMES_BACK_MS = 180_000;

/** A node that was told to end is tried again by its keeper at growing intervals, so it comes back by itself. */
export async function takeBack(host: Host, back: readonly Instance[]): Promise<void> {
  await refreshNodes(host);
  const deadline = Date.now() + COMES_BACK_MS;
  for (;;) {
    const known = await nodes(host);
    const away = back.filter((each) => !known.some((node) => isOn(node, each) && node.state === 'RUNNING'));
    if (away.length === 0) return;
    const names = away.map((each) => each.host).join(', ');
    if (Date.now() > deadline) throw new Error(`${names} has not come back. Start its NodeManager, or read its log.`);
    await host.wait(1000);
  }
}

const isGone = ({ state }: Node) => ['DECOMMISSIONED', 'LOST', 'SHUTDOWN', 'REBOOTED'].includes(state);
