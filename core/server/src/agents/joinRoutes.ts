import { createReadStream } from 'node:fs';
import { ARCHITECTURES, type Architecture } from '@stackyard/contract';
import type { Logger } from '@stackyard/kernel';
import type { EnrolmentAnswer, EnrolmentRoute } from '../enrolment/routes.ts';
import type { Bundles } from './bundles.ts';
import { BundleUnavailableError } from './errors.ts';

const NAMED = /^([a-z0-9]+)(\.sha256)?$/;

/** What the join script is and fetches: the same for every host. */
export function joinRoutes(bundles: Bundles, log: Logger): EnrolmentRoute[] {
  return [
    {
      url: '/join.sh',
      get: () => offered(log, async () => text(await bundles.joinScript())),
    },
    {
      url: '/bundles/:name',
      get: async ({ params }) => {
        const [, name, digest] = NAMED.exec(params['name'] ?? '') ?? [];
        const architecture = ARCHITECTURES.find((each): each is Architecture => each === name);
        if (!architecture) return undefined;
        return offered(log, async () => {
          const { path, size, sha256 } = await bundles.get(architecture);
          if (digest !== undefined) return text(`${sha256}\n`);
          const headers = { 'content-type': 'application/gzip', 'content-length': String(size) };
          return { headers, body: createReadStream(path) };
        });
      },
    },
  ];
}

/** Strangers learn that something is not there; the operator, why. */
async function offered(log: Logger, make: () => Promise<EnrolmentAnswer>): Promise<EnrolmentAnswer | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof BundleUnavailableError)) throw error;
    log.warn({ err: error }, 'A host asked for an agent that is not here');
    return undefined;
  }
}

function text(body: string): EnrolmentAnswer {
  return { headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
