import { execFile } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** ZooKeeper's own command-line client, from the package that an agent has unpacked. */
export class ZookeeperClient {
  readonly #libs: string;

  constructor(libs: string) {
    this.#libs = libs;
  }

  static async below(root: string): Promise<ZookeeperClient> {
    for await (const dir of glob(`${root}/opt/stackyard/zookeeper-*/lib`)) return new ZookeeperClient(dir);
    throw new Error(`No ZooKeeper is unpacked below ${root}.`);
  }

  async create(server: string, path: string, value: string): Promise<void> {
    await this.#call(server, ['create', path, value]);
  }

  async read(server: string, path: string): Promise<string> {
    const output = await this.#call(server, ['get', path]);
    // The client logs to the same stream; its lines begin with the time.
    const said = output
      .split('\n')
      .filter(
        (line) =>
          line.trim() !== '' &&
          !/^\d\d:\d\d:\d\d/.test(line) &&
          !line.startsWith('WATCHER') &&
          !line.startsWith('WatchedEvent') &&
          !line.startsWith('Connecting to'),
      );
    return said.at(-1) ?? '';
  }

  async #call(server: string, command: readonly string[]): Promise<string> {
    const flags = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx64m', '-cp', `${this.#libs}/*`];
    const { stdout } = await run(
      'java',
      [
        ...flags,
        'org.apache.zookeeper.ZooKeeperMain',
        '-waitforconnection',
        '-timeout',
        '20000',
        '-server',
        server,
        ...command,
      ],
      { timeout: 60_000 },
    );
    return stdout;
  }
}
