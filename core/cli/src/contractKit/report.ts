/** What came of a step. */
export interface StepResult {
  readonly name: string;
  readonly promise: string;
  readonly outcome: 'kept' | 'broken' | 'skipped';
  /** What was seen, what is wrong, or why it does not apply. */
  readonly detail: string;
  readonly seconds: number;
}

/** The report of a contract run, to be published with the package. */
export interface ContractReport {
  readonly format: 1;
  readonly stack: { readonly name: string; readonly version: string; readonly digest: string };
  readonly services: readonly { readonly name: string; readonly version: string }[];
  readonly sdk: string;
  readonly hosts: number;
  /** Processor, memory and system of the machine it ran on. */
  readonly machine: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly steps: readonly StepResult[];
}

/** Every promise that applies was kept. */
export function isKept({ steps }: ContractReport): boolean {
  return steps.every(({ outcome }) => outcome !== 'broken');
}

const WORD = { kept: 'kept', broken: '**broken**', skipped: 'does not apply' } as const;

/** The report for people, in Markdown. */
export function reportText(report: ContractReport): string {
  const { stack, services, sdk, hosts, machine, startedAt, steps } = report;
  const products = services.map(({ name, version }) => `${name} ${version}`).join(', ');
  const rows = steps.map(
    ({ name, promise, outcome, detail, seconds }) =>
      `| ${name} | ${promise} | ${WORD[outcome]} | ${seconds.toFixed(1)} | ${cell(detail)} |`,
  );
  return `# ${stack.name} ${stack.version}: the contract, with the real product

${products}, on ${hosts} local host${hosts === 1 ? '' : 's'}, ${startedAt}. Built with SDK ${sdk}; ${machine}.

| step | what is promised | outcome | s | seen |
|---|---|---|--:|---|
${rows.join('\n')}

Artifact: \`${stack.digest}\`
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
