import type { AgentBundle, Architecture, HostJoining, JoinTerms } from '@stackyard/contract';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Host } from '../database/entities.ts';
import type { Engine } from '../engine/ports.ts';
import type { Hosts } from '../hosts/hosts.ts';
import type { Bundles } from './bundles.ts';

export interface JoiningParts {
  readonly em: () => EntityManager;
  readonly hosts: Pick<Hosts, 'issueToken'>;
  readonly engine: Pick<Engine, 'reachable'>;
  readonly bundles: Bundles;
  readonly terms: () => JoinTerms;
}

/** Bringing hosts in, for plugins. */
export class ServerJoining implements HostJoining {
  readonly #parts: JoiningParts;

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  terms(): JoinTerms {
    return this.#parts.terms();
  }

  async issueToken({ name, issuedBy }: { readonly name: string; readonly issuedBy: string }): Promise<string> {
    return (await this.#parts.hosts.issueToken({ hostName: name, createdBy: issuedBy })).token;
  }

  joinScript(): Promise<string> {
    return this.#parts.bundles.joinScript();
  }

  bundle(architecture: Architecture): Promise<AgentBundle> {
    return this.#parts.bundles.get(architecture);
  }

  async isReachable(name: string): Promise<boolean> {
    const host = await this.#parts.em().findOne(Host, { name }, { fields: ['id'] });
    return host !== null && this.#parts.engine.reachable(host.id);
  }
}
