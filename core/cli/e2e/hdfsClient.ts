import { userInfo } from 'node:os';

/** Files of HDFS over WebHDFS, as any program in a cluster writes and reads them. */
export class WebHdfs {
  /** `http://host:port` of each NameNode, comma-separated, as the service exports it. */
  readonly #nameNodes: readonly string[];

  constructor(webhdfs: string) {
    this.#nameNodes = webhdfs.split(',');
  }

  /** The NameNode that answers for the file system; undefined while none does. */
  async active(): Promise<string | undefined> {
    for (const url of this.#nameNodes) {
      const { State } = await beanOf(url, 'NameNode,name=NameNodeStatus').catch(() => ({ State: undefined }));
      if (State === 'active') return url;
    }
    return undefined;
  }

  async write(path: string, text: string): Promise<void> {
    const at = await this.#dataNode('PUT', `${path}?op=CREATE&overwrite=true`);
    const answer = await fetch(at, { method: 'PUT', body: text });
    if (!answer.ok) throw new Error(`${at} answers ${answer.status}: ${await answer.text()}`);
  }

  async read(path: string): Promise<string> {
    const answer = await fetch(await this.#dataNode('GET', `${path}?op=OPEN`));
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`);
    return answer.text();
  }

  /** An attribute of the active NameNode's view of the file system. */
  async state(name: string): Promise<unknown> {
    return (await beanOf(await this.#required(), 'NameNode,name=FSNamesystemState'))[name];
  }

  /** DataNodes by address and port, as the active NameNode knows them. */
  async dataNodes(): Promise<Readonly<Record<string, { readonly adminState: string; readonly numBlocks: number }>>> {
    const { LiveNodes } = await beanOf(await this.#required(), 'NameNode,name=NameNodeInfo');
    return JSON.parse(String(LiveNodes));
  }

  async #required(): Promise<string> {
    const url = await this.active();
    if (!url) throw new Error(`None of ${this.#nameNodes.join(', ')} is active.`);
    return url;
  }

  /** Where a DataNode takes or gives the bytes. The owner of the file system is who its processes run as. */
  async #dataNode(method: string, request: string): Promise<string> {
    const { username } = userInfo();
    const url = `${await this.#required()}/webhdfs/v1${request}&user.name=${username}&noredirect=true`;
    const answer = await fetch(url, { method });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${text}`);
    return (JSON.parse(text) as { Location: string }).Location;
  }
}

async function beanOf(url: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${url}/jmx?qry=Hadoop:service=${name}`, { signal: AbortSignal.timeout(5_000) });
  const { beans } = (await answer.json()) as { beans: readonly Readonly<Record<string, unknown>>[] };
  const [bean] = beans;
  if (!bean) throw new Error(`${url} knows no ${name}.`);
  return bean;
}

/** The smallest sizes that run, and the shortest waits. */
const jvmOptions = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss512k'];
export const smallHdfs = {
  'hdfs-site.xml': { heartbeat: 1 },
  'namenode-site.xml': { safeModeExtension: 0, handlers: 4, recheckInterval: 1000, decommissionInterval: 1 },
  'namenode-env': { heap: 64, jvmOptions },
  'datanode-env': { heap: 48, jvmOptions },
  'journalnode-env': { heap: 32, jvmOptions },
  'zkfc-env': { heap: 32, jvmOptions },
};
