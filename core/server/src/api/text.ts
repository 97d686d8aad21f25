/** Deeper than any request of ours, and far from where recursion ends. */
const MOST_LEVELS = 32;

/**
 * What PostgreSQL cannot keep, or what would make our own code recurse for ever: the NUL character, half a character
 * (a lone surrogate), and values nested beyond reason.
 *
 * @returns where it is and what is wrong; undefined when everything can be stored.
 */
export function unstorable(
  value: unknown,
  pointer = '',
  level = 0,
): { readonly pointer: string; readonly message: string } | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return { pointer, message: 'leave out the NUL character' };
    return value.isWellFormed() ? undefined : { pointer, message: 'half a character (a lone surrogate) is no text' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (level === MOST_LEVELS) return { pointer, message: `nest at most ${MOST_LEVELS} levels` };
  for (const [key, part] of Object.entries(value)) {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (key.includes('\0') || !key.isWellFormed()) return { pointer, message: 'use plain characters in names' };
    const found = unstorable(part, place, level + 1);
    if (found) return found;
  }
  return undefined;
}
