import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Enrolment, type JoinReply__Output } from '@stackyard/proto';
import { channelCredentials, channelOptions } from './connection/credentials.ts';
import { untilReady } from './connection/ready.ts';
import { JoinRefusedError } from './errors.ts';
import { agentPaths } from './paths.ts';
import { writeDurably } from './spool/durable.ts';

/** Who this agent is, and whom it obeys. */
export interface Identity {
  readonly agentId: string;
  readonly secret: string;
  readonly installId: string;
  /** `host:port` of the server. */
  readonly server: string;
}

export interface JoinOptions {
  readonly server: string;
  /** Single use; from `stackyard host token`. */
  readonly token: string;
  readonly hostName: string;
}

/** Turns a join token into an identity. @throws JoinRefusedError, ServerUnreachableError */
export async function join({ server, token, hostName }: JoinOptions): Promise<Identity> {
  const client = new Enrolment(server, channelCredentials(), channelOptions);
  try {
    await untilReady(client, server);
    const reply = await new Promise<JoinReply__Output>((resolve, reject) => {
      client.Join({ token, hostName }, { deadline: Date.now() + 15_000 }, (error, answer) =>
        error || !answer ? reject(new JoinRefusedError(server, error?.details ?? 'no answer')) : resolve(answer),
      );
    });
    return { ...reply, server };
  } finally {
    client.close();
  }
}

/** Joins a server for a host root and keeps the identity there (mode 0600). */
export async function joinServer({ root, ...options }: JoinOptions & { readonly root: string }): Promise<Identity> {
  const identity = await join(options);
  await saveIdentity(root, identity);
  return identity;
}

export async function saveIdentity(root: string, identity: Identity): Promise<void> {
  await writeDurably(agentPaths(root).identity, `${JSON.stringify(identity, undefined, 2)}\n`);
}

export async function readIdentity(root: string): Promise<Identity | undefined> {
  const file = agentPaths(root).identity;
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Identity) : undefined;
}
