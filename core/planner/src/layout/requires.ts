import type { Draft } from './draft.ts';
import { inRange } from './stacks.ts';

/** Services that a touched one requires, and the other way round where it is the required one. */
export function checkRequires(draft: Draft, touched: ReadonlyMap<string, string>): void {
  for (const service of draft.services.values()) {
    for (const [index, { service: name, range, optional }] of service.manifest.requires.services.entries()) {
      const other = draft.services.get(name);
      const at = touched.get(service.name) ?? touched.get(name);
      if (at === undefined) continue;
      if (!other) {
        if (optional || !touched.has(service.name)) continue;
        const message = `${service.manifest.title} requires the service ${name} (${range}), which cluster ${draft.state.name} does not have. Add ${name} first, or in the same request.`;
        draft.problems.refuse('REQUIRED_SERVICE_MISSING', message, `${at}/service`);
      } else if (!inRange(other.manifest.version, range)) {
        const message = `${service.manifest.title} requires ${name} ${range}, and the cluster would have ${name} ${other.manifest.version}. Use a stack with a version that fits.`;
        draft.problems.refuse('REQUIRED_VERSION', message, `${at}/service`);
      } else if (name === service.name) {
        draft.problems.refuse(
          'CYCLE',
          `Service ${name} requires itself (requires.services/${index}).`,
          `${at}/service`,
        );
      }
    }
  }
}
