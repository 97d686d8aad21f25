import ssh2 from 'ssh2';
import { z } from 'zod';
import { KeyUnusableError, NoSshAgentError } from './errors.ts';

const secret = z.string().min(1).max(1_000);

/** How to log in. It lives as long as the request and the run that it starts; it is written down nowhere. */
export const Login = z
  .strictObject({
    user: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'use the name of a user')
      .describe('Root, or a user who may become root by sudo'),
    method: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('password'), password: secret }),
        z.strictObject({
          kind: z.literal('key'),
          privateKey: z.string().min(1).max(20_000).describe('In OpenSSH or PEM form'),
          passphrase: secret.optional(),
        }),
        z.strictObject({ kind: z.literal('agent') }).describe('The SSH agent of the server: its SSH_AUTH_SOCK'),
      ])
      .describe('Never stored'),
    sudo: z.boolean().optional().describe('Become root by sudo'),
    sudoPassword: secret.optional().describe('Where sudo asks for one; that of the login when absent'),
  })
  .meta({ id: 'SshLogin' });
export type Login = z.infer<typeof Login>;

/** What the SSH client takes to prove who we are. */
export interface Proof {
  readonly password?: string;
  readonly privateKey?: string;
  readonly passphrase?: string;
  readonly agent?: string;
}

/** @throws KeyUnusableError, NoSshAgentError: before anything is started with it */
export function proofOf({ method }: Login, env: NodeJS.ProcessEnv = process.env): Proof {
  switch (method.kind) {
    case 'password':
      return { password: method.password };
    case 'agent': {
      const agent = env['SSH_AUTH_SOCK'];
      if (!agent) throw new NoSshAgentError({});
      return { agent };
    }
    case 'key': {
      const { privateKey, passphrase } = method;
      const parsed = ssh2.utils.parseKey(privateKey, passphrase);
      if (parsed instanceof Error) throw new KeyUnusableError({ reason: reasonOf(parsed) });
      return { privateKey, ...(passphrase === undefined ? {} : { passphrase }) };
    }
  }
}

/** The parser's messages are about the form of a key, never its content; what is not one of them is not passed on. */
function reasonOf({ message }: Error): string {
  if (/no passphrase given/i.test(message)) return 'it has a passphrase and none was given';
  if (/bad passphrase|integrity check failed|OpenSSH key/i.test(message)) return 'the passphrase does not open it';
  return 'it has an unknown form';
}

/** What sudo may ask for. */
export function sudoPasswordOf({ method, sudoPassword }: Login): string | undefined {
  return sudoPassword ?? (method.kind === 'password' ? method.password : undefined);
}
