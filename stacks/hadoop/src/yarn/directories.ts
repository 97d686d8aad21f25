import { type Host, type Json, until } from '@stackyard/sdk';
import { hdfsAccess } from './site.ts';

export interface Directory {
  readonly path: string;
  readonly owner: string;
  /** As in chmod, such as 1777. */
  readonly mode: string;
}

/** HDFS knows who is in it; see the README. */
const GROUP = 'hadoop';

/**
 * Directories in HDFS with owner and mode, made by whoever may: the superuser, to whom the root belongs. A file system that
 * was just started may be in its safe mode, so it is tried until the task is out of time.
 */
export const ensureDirectories = (host: Host, directories: readonly Directory[]): Promise<void> =>
  until(host, async () => {
    const { FileStatus } = (await webHdfs(host, '/?op=GETFILESTATUS')) as { FileStatus: { owner: string } };
    const put = (path: string, op: string) => webHdfs(host, `${path}?op=${op}&user.name=${FileStatus.owner}`, 'PUT');
    for (const { path, owner, mode } of directories) {
      await put(path, 'MKDIRS');
      await put(path, `SETOWNER&owner=${owner}&group=${GROUP}`);
      await put(path, `SETPERMISSION&permission=${mode}`);
      host.log(`${path} in HDFS is of ${owner}, with mode ${mode}.`);
    }
  });

/** The NameNode that is active answers, another one says that it is not. */
async function webHdfs(host: Host, path: string, method: 'GET' | 'PUT' = 'GET'): Promise<Json> {
  const reasons: string[] = [];
  for (const each of host.get(hdfsAccess.webhdfs).split(',')) {
    const { hostname, port } = new URL(each);
    try {
      return await host.fetchJson(Number(port), `/webhdfs/v1${path}`, { address: hostname, method });
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(reasons.join('\n'));
}
