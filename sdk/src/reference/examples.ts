import type { Declarations, Entry } from './declarations.ts';

/** The world that examples of docstrings share; the reference says what is in it. */
const WORLD = `
const cfg = defineConfig('cfg.properties', {
  port: p.port(7000).help('Port'), adminPort: p.port(7001).help('Port'), metricsPort: p.port(7002).help('Port'),
  dataPort: p.port(7003).help('Port'), securePort: p.port(7004).help('Port'), heap: p.memory(256).help('Heap'),
  dataDir: p.dir('/var/lib/cfg').help('Data'), mode: p.enum(['none', 'kerberos', 'ldap'], 'none').help('Mode'),
  tls: p.bool(false).help('TLS'), readOnly: p.bool(false).help('Read only'), replicas: p.int(3).help('Replicas'),
  advertisedHost: p.text().optional().help('Host'),
});
const zooCfg = defineConfig('zoo.cfg', {
  clientPort: p.port(2181).help('Port'), adminPort: p.port(9393).help('Port'), metricsPort: p.port(7100).help('Port'),
  dataDir: p.dir('/var/lib/zookeeper').help('Data'),
});
const env = defineConfig('env', { heap: p.memory(512).help('Heap') }, { file: false });
const hdfs = defineConfig('hdfs.xml', { httpPort: p.port(9870).help('Port') });
const [server, client, broker, datanode, namenode, beat] = (['server', 'client', 'broker', 'datanode', 'namenode', 'beat'] as const)
  .map((name) => defineComponent(name, { title: name, category: 'client', cardinality: '0+', config: [cfg] })) as
  [Component, Component, Component, Component, Component, Component];
const zookeeper = defineService('zookeeper', { title: 'ZooKeeper', version: '3.9.4', user: 'zookeeper', components: [server] });
const stack = defineStack({ services: [zookeeper] });
const host = { self: { host: 'h1' }, get: () => 1, connects: async () => true, wait: async () => undefined } as unknown as Host;
const option = (_: Partial<ComponentOptions & ServiceOptions & ExecProcess>): void => undefined;
`;

/** Every example as a program: what does not compile or run is wrong. */
export function examplesProgram(
  declarations: Declarations,
  entries: readonly Entry[] = [...declarations.keys()],
): string {
  const own = entries.flatMap((entry) => [...(declarations.get(entry)?.values() ?? [])]);
  const examples = own.flatMap((each) =>
    [each, ...each.members].flatMap(({ name, examples: all }) =>
      all.map((code) => `// ${each.name}${name === each.name ? '' : `.${name}`}\n{ ${statement(code)}\n}`),
    ),
  );
  const program = `${WORLD}\n${examples.join('\n')}\n`;
  const imports = [...declarations].map(([from, all]) => {
    const used = [...all.values()].filter(({ name }) => new RegExp(`\\b${name}\\b`).test(program));
    const names = used.map(({ name, kind }) => (kind === 'function' || kind === 'value' ? name : `type ${name}`));
    return `import { ${names.join(', ')} } from '${from}';`;
  });
  return `${imports.join('\n')}\n${program}`;
}

/** An option is an example by itself: `role: jsonPath(…)`. It has to be one of those that there are. */
function statement(code: string): string {
  if (/^[a-z]\w*: /.test(code)) return `option({ ${code} });`;
  return code.replace(/^export default /, 'void ');
}
