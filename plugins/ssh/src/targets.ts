import { TargetInvalidError } from './errors.ts';

/** A machine to bring in: the name its host is to have, and where SSH answers. */
export interface Target {
  readonly name: string;
  /** A name or an IP address. */
  readonly address: string;
  readonly port: number;
}

const MOST = 1_000;
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const IP6 = /^[0-9A-Fa-f:.]{2,45}$/;
const RANGE = /\[([^\]]*)\]/;

/**
 * Machines from texts such as `node[01-20].example.org`, `zk[1,3,5-7]`, `zk1=10.0.0.7` or several of them divided by
 * commas, spaces or lines; `#` begins a comment. Numbers keep their leading zeros. Several ranges multiply.
 *
 * @throws TargetInvalidError for what is none, is named twice or is too much
 */
export function parseTargets(texts: readonly string[], port: number): Target[] {
  const targets = texts.flatMap(split).flatMap((text) => expand(text).map((each) => targetOf(each, port)));
  if (targets.length === 0) throw new TargetInvalidError({ target: '', reason: 'nothing is named' });
  if (targets.length > MOST)
    throw new TargetInvalidError({ target: '', reason: `${targets.length} are more than the ${MOST} at once` });
  const seen = new Set<string>();
  for (const { name } of targets) {
    if (seen.has(name)) throw new TargetInvalidError({ target: name, reason: 'it is named twice' });
    seen.add(name);
  }
  return targets;
}

/** Commas inside brackets are part of a range. */
function split(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*$/, ''))
    .flatMap((line) => line.match(/(?:[^\s,[]|\[[^\]]*\])+|\[/g) ?? []);
}

function expand(text: string): string[] {
  const [whole, inner] = RANGE.exec(text) ?? [];
  // An IPv6 address stands in brackets too.
  if (whole === undefined || inner === undefined || /=\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]$/.test(text)) return [text];
  return inner.split(',').flatMap((part) =>
    numbers(part, text).flatMap((number) => {
      // "zk[1-3]=10.0.0.[1-3]" names pairs: both sides take the same number.
      const [left = '', right] = text.split('=', 2);
      const paired = right !== undefined && left.includes(whole) && right.includes(whole);
      return expand(paired ? text.replace(whole, number).replace(whole, number) : text.replace(whole, number));
    }),
  );
}

function numbers(part: string, target: string): string[] {
  const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part.trim()) ?? [];
  if (first === undefined || last === undefined)
    throw new TargetInvalidError({ target, reason: `"${part}" is no range of numbers` });
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw new TargetInvalidError({ target, reason: `${part} runs backwards` });
  if (count > MOST) throw new TargetInvalidError({ target, reason: `${part} are more than ${MOST}` });
  return Array.from({ length: count }, (_, index) => String(Number(first) + index).padStart(first.length, '0'));
}

function targetOf(text: string, port: number): Target {
  const [name = '', given, ...more] = text.split('=');
  const address = given?.replace(/^\[(.*)\]$/, '$1') ?? name;
  if (more.length > 0 || !NAME.test(name))
    throw new TargetInvalidError({ target: text, reason: 'a host name has letters, digits, "." and "-" only' });
  if (!NAME.test(address) && !(address.includes(':') && IP6.test(address)))
    throw new TargetInvalidError({ target: text, reason: 'its address is neither a name nor an IP address' });
  return { name, address, port };
}
