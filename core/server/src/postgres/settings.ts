/** Settings of the embedded PostgreSQL: small, durable, reachable by its socket only. */
const settings: readonly { readonly name: string; readonly value: string; readonly since?: number }[] = [
  { name: 'listen_addresses', value: '' },
  { name: 'unix_socket_permissions', value: '0700' },
  { name: 'max_connections', value: '50' },
  { name: 'shared_buffers', value: '32MB' },
  { name: 'max_wal_size', value: '256MB' },
  { name: 'fsync', value: 'on' },
  { name: 'full_page_writes', value: 'on' },
  { name: 'synchronous_commit', value: 'on' },
  // No replication: less to write, and fewer processes.
  { name: 'wal_level', value: 'minimal' },
  { name: 'max_wal_senders', value: '0' },
  { name: 'max_logical_replication_workers', value: '0' },
  { name: 'io_method', value: 'sync', since: 18 },
  // Compiling pays for long queries only; ours are short.
  { name: 'jit', value: 'off' },
  { name: 'log_destination', value: 'stderr' },
  { name: 'logging_collector', value: 'off' },
  { name: 'log_line_prefix', value: '%m [%p] ' },
  { name: 'log_checkpoints', value: 'off' },
  // A statement may hold a secret.
  { name: 'log_min_error_statement', value: 'panic' },
];

/** The socket's file is named after a port, also where nothing listens on one. */
export const defaultPort = 5432;

/** Command-line arguments for `postgres`; `overrides` win. */
export function settingArguments(major: number, overrides: Readonly<Record<string, string>>): readonly string[] {
  const chosen = new Map<string, string>([['port', String(defaultPort)]]);
  for (const { name, value, since = 0 } of settings) if (major >= since) chosen.set(name, value);
  for (const [name, value] of Object.entries(overrides)) chosen.set(name, value);
  return [...chosen].flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
