/**
 * Who a certificate speaks for: a URI among its alternative names, made by the authority of an installation. Nothing
 * else in a certificate names anybody.
 */
export const peerUri = {
  authority: (installId: string): string => `stackyard://${installId}/authority`,
  server: (installId: string): string => `stackyard://${installId}/server`,
  agent: (installId: string, agentId: string): string => `stackyard://${installId}/agent/${agentId}`,
} as const;

export type Peer =
  | { readonly role: 'authority' | 'server'; readonly installId: string }
  | { readonly role: 'agent'; readonly installId: string; readonly agentId: string };

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const PEER_URI = new RegExp(`^stackyard://(${UUID})/(?:(authority|server)|agent/(${UUID}))$`);

/**
 * The one peer that the alternative names of a certificate stand for, in the form that Node's TLS gives them:
 * `URI:stackyard://…, DNS:server.example`.
 *
 * @returns undefined when they name nobody, or more than one
 */
export function peerOf(alternativeNames: string | undefined): Peer | undefined {
  const uris = (alternativeNames ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  const [uri = ''] = uris;
  const [, installId, role, agentId] = PEER_URI.exec(uri.slice('URI:'.length)) ?? [];
  if (uris.length !== 1 || installId === undefined) return undefined;
  if (agentId !== undefined) return { role: 'agent', installId, agentId };
  return { role: role as 'authority' | 'server', installId };
}
