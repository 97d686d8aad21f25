import { type Host, type Instance, type Json, until } from '@stackyard/sdk';
import { activeOf, nameNodeBean, portOf } from './ask.ts';
import { hdfsSite, NAMENODE } from './configs.ts';

type Method = 'GET' | 'PUT' | 'DELETE';
interface Request {
  readonly method?: Method;
  readonly body?: Json;
  /** Whether a DataNode does it, whom the NameNode names. */
  readonly byDataNode?: boolean;
}

/** One operation of WebHDFS, as the user that owns the file system. */
async function webHdfs(host: Host, path: string, { method = 'GET', body, byDataNode }: Request): Promise<Json> {
  const active = await activeOf(host);
  const user = (await host.run('id', '-un')).stdout.trim();
  const query = `/webhdfs/v1${path}&user.name=${user}${byDataNode ? '&noredirect=true' : ''}`;
  const { address } = active;
  const asked = await host.fetchJson(portOf(host, active, hdfsSite.httpPort), query, { address, method });
  if (!byDataNode) return asked;
  const { hostname, port, pathname, search } = new URL((asked as { Location: string }).Location);
  const sent = body === undefined ? {} : { body };
  return host.fetchJson(Number(port), pathname + search, { address: hostname, method, timeoutMs: 30_000, ...sent });
}

/** What every program expects to be there. */
export const prepare = async (host: Host): Promise<void> => {
  if (host.self.ordinal !== host.instances(NAMENODE)[0]?.ordinal) return;
  await until(host, async () => {
    await webHdfs(host, '/tmp?op=MKDIRS&permission=1777', { method: 'PUT' });
    await webHdfs(host, '/user?op=MKDIRS&permission=755', { method: 'PUT' });
  });
  host.log('/tmp and /user are there.');
};

/**
 * A file can be written, read and deleted, and this NameNode is ready to serve, or to take over. An open port says neither
 * of it, nor does a NameNode in safe mode.
 */
export const check = (host: Host): Promise<void> =>
  until(host, async () => {
    const active = await activeOf(host);
    for (const node of new Map([active, host.self].map((each) => [each.ordinal, each])).values())
      await writable(host, node);
    const { NumLiveDataNodes: live } = await nameNodeBean(host, active, 'FSNamesystemState');
    if (live === 0) throw new Error('No DataNode lives, so no file can be written.');
    const file = `/tmp/.stackyard-check-${host.self.hostComponentId}`;
    const written = { at: Date.now() };
    await webHdfs(host, `${file}?op=CREATE&overwrite=true`, { method: 'PUT', body: written, byDataNode: true });
    const read = await webHdfs(host, `${file}?op=OPEN`, { byDataNode: true });
    if (JSON.stringify(read) !== JSON.stringify(written)) throw new Error(`${file} holds other than what was written.`);
    await webHdfs(host, `${file}?op=DELETE`, { method: 'DELETE' });
    host.log(`A file was written, read and deleted; ${active.host} is active, ${live} DataNodes live.`);
  });

/** Why files cannot be changed, in the words of the NameNode. */
async function writable(host: Host, node: Instance): Promise<void> {
  const { FSState } = await nameNodeBean(host, node, 'FSNamesystemState');
  if (FSState === 'Operational') return;
  const { Safemode } = await nameNodeBean(host, node, 'NameNodeInfo');
  throw new Error(`${node.host} is in safe mode: ${String(Safemode).replaceAll(/\s+/g, ' ').trim()}`);
}
