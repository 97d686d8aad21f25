import type { Readable } from 'node:stream';
import { token } from '@stackyard/kernel';

/** What a route of the enrolment listener answers. */
export interface EnrolmentAnswer {
  /** 200 unless given. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable;
}

/**
 * A file that a host may fetch before it has joined: whoever reaches the port may read it, so nothing in it is secret
 * and nothing in it depends on who asks.
 */
export interface EnrolmentRoute {
  /** A fixed path, or one with named parts such as `/bundle/:architecture`. */
  readonly url: string;
  readonly get: (request: {
    readonly params: Readonly<Record<string, string>>;
  }) => EnrolmentAnswer | undefined | Promise<EnrolmentAnswer | undefined>;
}

/** Extension point: what is offered beside the authority's certificate, joining and renewing. */
export interface EnrolmentRoutes {
  readonly routes: readonly EnrolmentRoute[];
}
export const EnrolmentRoutes = token<EnrolmentRoutes>('server.EnrolmentRoutes');
