/** A duration as people say it: "0.4 s", "12 s", "3 min 5 s", "2 h 4 min". */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How long ago something was: "just now", "40 s ago", "3 min ago", "2 d ago". */
export function ago(at: string | null | undefined, now: Date): string {
  if (!at) return '-';
  const seconds = Math.round((now.getTime() - new Date(at).getTime()) / 1000);
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** From start to end, or until now where it has not ended. */
export function elapsed(start: string | null | undefined, end: string | null | undefined, now: Date): string {
  if (!start) return '-';
  return duration((end ? new Date(end) : now).getTime() - new Date(start).getTime());
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** Reads "90s", "10m" or "1h" as milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d+)?)\s*(s|m|min|h)?$/.exec(text.trim());
  return match ? Number(match[1]) * (units[match[2] ?? 's'] as number) : undefined;
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes as people say them, in steps of 1000: "14.2 MB". */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < sizes.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${sizes[unit]}`;
}
