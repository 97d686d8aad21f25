const secretWords = new Set([
  'token',
  'secret',
  'password',
  'passwd',
  'passphrase',
  'authorization',
  'cookie',
  'credential',
  'credentials',
]);
const secretPairs = new Set(['api key', 'private key', 'access key', 'secret key']);
/** A last word that says the field is about a secret and does not hold one: `tokenId`, `passwordSet`. */
const aboutWords = new Set(['id', 'name', 'set', 'count', 'kind', 'type', 'at', 'path', 'file', 'ttl', 'ms']);
const deepest = 8;

export const redacted = '[redacted]';

/** Whether a field of this name holds a secret: `agentToken`, `X-Api-Key`, `DB_PASSWORD`. */
export function looksSecret(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase().split(/[^a-z0-9]+/).filter(Boolean); // prettier-ignore
  if (aboutWords.has(words.at(-1) ?? '')) return false;
  return words.some(
    (word, at) =>
      secretWords.has(word) || secretWords.has(word.replace(/s$/, '')) || secretPairs.has(`${word} ${words[at + 1]}`),
  );
}

/** Text without the credentials of URLs and of Authorization headers. */
export function redactText(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi, `$1:${redacted}@`)
    .replace(/\b(bearer|basic)\s+[\w~+/.=-]{8,}/gi, `$1 ${redacted}`);
}

/** A copy of a value as it would be written in JSON, secret-looking fields replaced, at most eight levels deep. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= deepest) return '[deeper]';
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1);
  if (value instanceof Error) return redact(ofError(value), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      looksSecret(name) && item !== undefined ? redacted : redact(item, depth + 1),
    ]),
  );
}

/** What an error says, with its own fields; its causes are told in the stack. */
function ofError(error: Error): object {
  const stacks: string[] = [];
  for (let at: unknown = error; at instanceof Error && stacks.length < deepest; at = at.cause)
    stacks.push(at.stack ?? at.message);
  const own = Object.entries(error).filter(([name]) => name !== 'name');
  return { type: error.name, message: error.message, stack: stacks.join('\ncaused by: '), ...Object.fromEntries(own) };
}
