import { didYouMean } from '@stackyard/sdk/render';

/** `; did you mean "x"?`, or what there is to choose from. Ends the sentence either way. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known);
  if (near !== '') return near;
  return known.length === 0 ? '.' : `; there is ${listed(known)}.`;
}

/** Names joined for a sentence, the tail of a long list counted. */
export function listed(names: readonly string[], most = 8): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** `1 host`, `3 hosts`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
