/** Who asks. Every request and every command has one; nothing runs without. */
export interface Principal {
  readonly id: string;
  readonly name: string;
  /** `token`: an API token. `system`: the server itself, such as at start. */
  readonly kind: 'token' | 'system';
}

/** What may be done. */
export const ACTIONS = ['read', 'create', 'change', 'delete', 'operate'] as const;
export type Action = (typeof ACTIONS)[number];

/** What it may be done to. */
export const RESOURCES = [
  'server',
  'stack',
  'trust',
  'package',
  'cluster',
  'host',
  'service',
  'config',
  'plan',
  'job',
  'event',
] as const;
export type Resource = (typeof RESOURCES)[number];

/**
 * A permission as a route declares it. The cluster is looked up from the object a request names, never taken from its
 * URL; undefined says that the object belongs to no cluster.
 */
export interface Permission {
  readonly action: Action;
  readonly resource: Resource;
}
