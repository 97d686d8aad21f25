import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackProblem } from '../define/errors.ts';
import type { ServiceManifest, StackManifest } from '../manifest/manifest.ts';

export interface RulesCheck {
  readonly problems: readonly StackProblem[];
  /** Why nothing was looked at, where there was something to look at. */
  readonly note?: string;
}

interface Rule {
  readonly where: string;
  readonly expr: string;
  /** Templates of Prometheus in what an alert says. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What Prometheus' own `promtool` says of the alerts and dashboards of a stack; it is not there on every machine. */
export async function checkRules(stack: StackManifest, { promtool = 'promtool' } = {}): Promise<RulesCheck> {
  const rules = stack.services.flatMap(rulesOf);
  if (rules.length === 0) return { problems: [] };
  const folder = await mkdtemp(join(tmpdir(), 'stackyard-rules-'));
  try {
    // JSON is YAML.
    await writeFile(
      join(folder, 'rules.yaml'),
      JSON.stringify({ groups: [{ name: 'stack', rules: rules.map(asRule) }] }),
    );
    const said = await run(promtool, ['check', 'rules', join(folder, 'rules.yaml')]);
    if (said === undefined) {
      const note =
        'promtool is not on PATH, so the PromQL of alerts and dashboards was not checked; it comes with Prometheus';
      return { problems: [], note };
    }
    return { problems: problemsOf(said, rules) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function rulesOf({ name, alerts = [], dashboards = [] }: ServiceManifest): Rule[] {
  return [
    ...alerts.map(({ name: alert, expr, summary, remedy }) => ({
      where: `${name} alert ${alert}`,
      expr,
      annotations: { summary, remedy },
    })),
    ...dashboards.flatMap((dashboard) =>
      dashboard.panels.flatMap(({ title, queries }) =>
        queries.map(({ expr }) => ({ where: `${name} dashboard ${dashboard.name} panel ${title}`, expr })),
      ),
    ),
  ];
}

/** The number in the name says which one it is when promtool speaks of it. */
function asRule({ expr, annotations }: Rule, index: number): object {
  const plain = expr
    .replaceAll('$labels', 'cluster="c"')
    // Variables of Grafana.
    .replaceAll(/\$__(?:rate_)?(?:interval|range)\w*/g, '5m');
  return annotations ? { alert: `Rule${index}`, expr: plain, annotations } : { record: `rule:${index}`, expr: plain };
}

/** `… rule 3, "Rule2": could not parse expression: 1:5: parse error: unexpected …` */
function problemsOf(said: string, rules: readonly Rule[]): StackProblem[] {
  return [...said.matchAll(/"(?:Rule|rule:)(\d+)":? (.+)/g)].flatMap(([, index, text = '']) => {
    const rule = rules[Number(index)];
    if (!rule) return [];
    const reason = text
      .replace(/^could not parse expression: /, '')
      .replaceAll('cluster="c"', '$labels')
      .trim();
    return [{ where: rule.where, reason: `Prometheus cannot read it: ${reason}`, remedy: 'correct the expression' }];
  });
}

/** All that the program says; undefined where there is none. It gets ten seconds. */
function run(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // The option of `spawn` would keep this process waiting as long, where there is no such program.
    const limit = setTimeout(() => child.kill(), 10_000);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(limit);
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    child.once('close', () => {
      clearTimeout(limit);
      resolve(said);
    });
  });
}
