import type { Declaration, Declarations, Member } from './declarations.ts';
import { TOPICS } from './topics.ts';

const INTRO = `<!-- Made from the sources by \`npm run reference -w @stackyard/sdk\`. Correct the docstrings there, not this file. -->

# Reference

Everything that \`@stackyard/sdk\` and \`@stackyard/sdk/testing\` offer to the author of a stack. [language.md](language.md) explains it by topic;
what a definition becomes is [manifest.schema.json](manifest.schema.json). Types whose names end in \`Manifest\` are parts of that.

The examples share a small world: a config \`cfg\` with \`port\`, \`adminPort\`, \`heap\` and \`dataDir\`, the components \`server\` and \`client\` of a service, a \`stack\` of it, and a \`host\`.
They are compiled and run by a test.
`;

/** The reference as one page. */
export function referenceText(declarations: Declarations): string {
  const anchors = anchorsOf(TOPICS.flatMap(({ title, names }) => [title, ...names]));
  const contents = TOPICS.map(({ title, names }) => {
    const links = names.map((name) => `[\`${name}\`](#${anchors.get(name)})`);
    return `- [${title}](#${anchors.get(title)}): ${links.join(' · ')}`;
  });
  const parts = TOPICS.map(({ title, about, entry, names }) => {
    const shown = names.flatMap((name) => declarations.get(entry)?.get(name) ?? []);
    return `## ${title}\n\n${about}\n\n${shown.map(declarationText).join('\n')}`;
  });
  return `${INTRO}\n${contents.join('\n')}\n\n${parts.join('\n')}`;
}

/** As GitHub makes them of headings: those of `service` and `Service` differ by a number. */
function anchorsOf(headings: readonly string[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    headings.map((heading) => {
      const plain = anchor(heading);
      const before = counts.get(plain) ?? 0;
      counts.set(plain, before + 1);
      return [heading, before === 0 ? plain : `${plain}-${before}`];
    }),
  );
}

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

function declarationText({ name, signature, doc, examples, members }: Declaration): string {
  const options = members.filter(({ isMethod }) => !isMethod);
  const methods = members.filter(({ isMethod }) => isMethod);
  return [
    `### ${name}\n`,
    code(signature),
    ...(doc === '' ? [] : [`${flowing(doc)}\n`]),
    ...examples.map(code),
    ...(options.length > 0 ? [table(options)] : []),
    ...methods.map(methodText),
  ].join('\n');
}

function methodText({ signature, doc, examples }: Member): string {
  return [code(signature), ...(doc === '' ? [] : [`${flowing(doc)}\n`]), ...examples.map(code)].join('\n');
}

function table(members: readonly Member[]): string {
  const rows = members.map(
    ({ name, optional, signature, doc }) =>
      `| \`${name}${optional ? '?' : ''}\` | \`${cell(signature)}\` | ${cell(flowing(doc))} |`,
  );
  return `| name | type | what it is |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\`\n`;
}

/** Lines of a docstring are broken where the source ends; a page breaks them itself. */
function flowing(doc: string): string {
  return doc.replaceAll(/(?<!\n)\n(?!\n|[-*] )/g, ' ');
}
