import type { BundleImport, StackDelivery } from '../api/types.ts';
import { facts, table } from '../output/table.ts';
import type { Colours } from '../output/terminal.ts';
import { bytes } from '../output/time.ts';

const SHOWN_CHANGES = 12;

/** What a stack is, why it is let in or not, and what it changes. */
export function deliveryText(delivery: StackDelivery, colours: Colours): string {
  const { name, version, registry, digest, services, deprecated, newest } = delivery;
  const pairs: (readonly [string, string])[] = [
    ['Stack', name === null ? 'not known: it was not read' : `${name} ${version}${stateText(delivery)}`],
    ...(registry === null ? [] : [['Registry', registry] as const]),
    ['Trust', trustText(delivery, colours)],
    ['Digest', digest],
    ...(services.length === 0
      ? []
      : [['Services', services.map((each) => `${each.title} ${each.version}`).join(', ')] as const]),
    ...(newest === null ? [] : [['Compared', `with ${newest}, the newest that is installed`] as const]),
  ];
  const warning = deprecated === null ? '' : colours.yellow(`Deprecated: ${deprecated}\n`);
  return facts(pairs, colours.dim) + changesText(delivery, colours) + warning;
}

function stateText({ state }: StackDelivery): string {
  if (state === 'new') return '';
  return state === 'installed' ? ', installed already' : ', in place of other contents of this version';
}

function trustText({ publisher, basis, refusal }: StackDelivery, { green, yellow, red }: Colours): string {
  if (refusal) return red(`not let in: ${refusal.message}`);
  if (publisher !== null) return green(`signed by ${publisher}`);
  if (basis === 'allow-list') return yellow('not signed, and on the list');
  return yellow('not signed; this server takes stacks from anybody');
}

function changesText({ changes }: StackDelivery, { green, red, yellow, dim }: Colours): string {
  const marks = { added: green('+'), removed: red('-'), changed: yellow('~') };
  const lines = changes.slice(0, SHOWN_CHANGES).map(({ change, what, name, from, to }) => {
    const values = from !== null && to !== null ? ` ${from} → ${to}` : to === null ? '' : ` ${to}`;
    return `  ${marks[change]} ${what} ${name}${values}\n`;
  });
  const more = changes.length - lines.length;
  return lines.join('') + (more > 0 ? dim(`  and ${more} more\n`) : '');
}

/** What a bundle has, and what of it is here already. */
export function bundleText({ stacks, packages, agents }: BundleImport, colours: Colours): string {
  const heads = stacks.map((each) => deliveryText(each, colours)).join('\n');
  const here = (present: boolean): string => (present ? 'here already' : 'new');
  const rows = [
    ...packages.map((each) => ({
      what: `${each.name} ${each.version}`,
      hosts: each.architectures.join(', '),
      size: bytes(each.size),
      state: here(each.present),
    })),
    ...agents.map((each) => ({
      what: `agent ${each.version}`,
      hosts: each.architecture,
      size: bytes(each.size),
      state: each.fault === null ? here(each.present) : `left out: ${each.fault}`,
    })),
  ];
  if (rows.length === 0) return heads;
  const columns = [
    { title: 'FOR HOSTS', cell: (row: (typeof rows)[number]) => row.what },
    { title: 'OF', cell: (row: (typeof rows)[number]) => row.hosts },
    { title: 'SIZE', cell: (row: (typeof rows)[number]) => row.size },
    { title: 'STATE', cell: (row: (typeof rows)[number]) => row.state },
  ];
  return `${heads}\n${table(rows, columns, colours.bold)}`;
}
