import { writtenForms } from '@stackyard/sdk/render';

const STARS = '***';
/** A shorter form would hide what is no secret. Of a secret itself the server takes none that is shorter. */
const SHORTEST = 4;

/** Hides secrets in a text, in the forms in which programs print them. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // Logs are made of lines, so a secret of several lines is hidden line by line too.
  const texts = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/).map((line) => line.trim())]);
  const plain = patterns(texts.flatMap(formsOf), (form) => form);
  // A character at either end may hold bits of the secret too.
  const base64 = patterns(texts.flatMap(inBase64), (form) => `[A-Za-z0-9+/_-]?${form}[A-Za-z0-9+/_-]?={0,2}`);
  const all = [...base64, ...plain];
  if (all.length === 0) return (text) => text;
  const pattern = new RegExp(all.join('|'), 'g');
  return (text) => text.replace(pattern, STARS);
}

/** The longest first: a form may be the beginning of another. */
function patterns(forms: readonly string[], patternOf: (form: string) => string): string[] {
  return [...new Set(forms)]
    .filter((form) => form.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length)
    .map((form) => patternOf(form.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')));
}

/** Every text of a value of plain data, hidden; so are names of fields. */
export function hideIn<T>(value: T, hide: (text: string) => string): T {
  if (typeof value === 'string') return hide(value) as T;
  if (Array.isArray(value)) return value.map((each) => hideIn(each, hide)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [hide(name), hideIn(each, hide)])) as T;
}

function formsOf(text: string): string[] {
  const url = encodeURIComponent(text.toWellFormed());
  return [
    text,
    ...writtenForms(text),
    url,
    url.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    encodeURI(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
    text.replaceAll('\\', '\\\\'),
    text.replaceAll("'", "'\\''"),
    Buffer.from(text).toString('hex'),
  ];
}

/** Also as a part of something longer, such as `user:password`: of which only whole characters are its own. */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => padded.toString(encoding).slice(from, to));
  });
}
