const colours: Readonly<Record<string, number>> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36, trace: 90 };

/** One JSON line of the log as a person reads it: `12:00:01.250 INFO  [alerts] Task finished host=zk1`. */
export function prettyLine(line: string, { colour = false } = {}): string {
  const { level, time, plugin, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const label = String(level);
  const head = [
    paint(90, String(time).slice(11, 23)),
    paint(colours[label] ?? 0, label.toUpperCase().padEnd(5)),
    ...(plugin === undefined ? [] : [`[${plain(plugin)}]`]),
    String(msg),
    ...Object.entries(fields).map(([name, value]) => paint(90, `${name}=${plain(value)}`)),
  ].join(' ');
  return `${head}\n${err === undefined ? '' : `${stackOf(err)}\n`}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value);
}

function stackOf(error: unknown): string {
  const { stack } = error as { stack?: unknown };
  return `  ${typeof stack === 'string' ? stack.replaceAll('\n', '\n  ') : JSON.stringify(error)}`;
}
