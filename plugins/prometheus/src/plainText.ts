import { TextRefusedError } from './errors.ts';

const MAX_LENGTH = 1_000;
/** All that a text may ask of Prometheus: a label or the value, as a number for people. */
const allowed =
  /\{\{ *(\$labels\.[a-zA-Z_][a-zA-Z0-9_]*|\$value)( *\| *(humanize|humanize1024|humanizeDuration|humanizePercentage))? *\}\}/g;

/**
 * A sentence of a stack, as it may stand in an annotation. Templates of Prometheus can query any metric (`{{ query … }}`),
 * and what shows annotations may take marks for HTML, so neither is let through.
 *
 * @throws TextRefusedError
 */
export function annotation(text: string): string {
  if (/\{\{|\}\}/.test(text.replaceAll(allowed, '')))
    throw new TextRefusedError({
      text,
      why: 'in braces only {{ $labels.name }} and {{ $value }} may stand, these with | humanize and its kin.',
    });
  return plain(text);
}

/** A title or a sentence without marks. @throws TextRefusedError */
export function plain(text: string): string {
  if (text.length > MAX_LENGTH)
    throw new TextRefusedError({ text, why: `it is longer than ${MAX_LENGTH} characters.` });
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text))
    throw new TextRefusedError({ text, why: 'it has control characters; write it as one line.' });
  if (/<[a-z!/?]/i.test(text)) throw new TextRefusedError({ text, why: 'it has marks of HTML; write plain text.' });
  return text;
}
