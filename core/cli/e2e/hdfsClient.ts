import { request } from 'node:http';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';

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

  async write(path: string, content: string): Promise<void> {
    const at = await this.#dataNode('PUT', `${path}?op=CREATE&overwrite=true`);
    await ask('PUT', at, content);
  }

  async read(path: string): Promise<string> {
    return ask('GET', await this.#dataNode('GET', `${path}?op=OPEN`));
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
    return (JSON.parse(await ask(method, url)) as { Location: string }).Location;
  }
}

/** DataNodes say "100 Continue" to those who did not ask for it, which `fetch` takes for nonsense. */
function ask(method: string, url: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method, agent: false, timeout: 10_000 }, (answer) => {
      text(answer).then((said) => {
        if (answer.statusCode && answer.statusCode < 300) resolve(said);
        else reject(new Error(`${url} answers ${answer.statusCode}: ${said}`));
      }, reject);
    });
    call.on('timeout', () => call.destroy(new Error(`${url} does not answer.`)));
    call.on('error', reject);
    call.end(body);
  });
}

async function beanOf(url: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ask('GET', `${url}/jmx?qry=Hadoop:service=${name}`);
  const { beans } = JSON.parse(answer) as { beans: readonly Readonly<Record<string, unknown>>[] };
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
