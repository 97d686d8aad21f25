import type { Api } from '../api/client.ts';
import { sendBytes } from '../api/transfer.ts';

/** Installs an artifact that was just built on a server of one's own. */
export async function sendArtifact({ connection }: Api, file: string): Promise<void> {
  // Builds that are only tried come before their version, and are signed by nobody.
  const query = new URLSearchParams({ origin: 'folder', downgrade: 'true', unsigned: 'true' }).toString();
  const media = 'application/octet-stream';
  await sendBytes(connection, { path: `/api/v1/stacks?${query}`, media, from: file });
}
