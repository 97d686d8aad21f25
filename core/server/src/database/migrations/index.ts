import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { Migration20261123000000_initial } from './Migration20261123000000_initial.ts';
import { Migration20261126013332_agent_certificates } from './Migration20261126013332_agent_certificates.ts';
import { Migration20261126014725_plugin_records } from './Migration20261126014725_plugin_records.ts';
import { Migration20261126021500_room_for_updates } from './Migration20261126021500_room_for_updates.ts';
import { Migration20261126052645_trust } from './Migration20261126052645_trust.ts';
import { Migration20261126052944_leaving } from './Migration20261126052944_leaving.ts';
import { Migration20261126053208_deprecated_stacks } from './Migration20261126053208_deprecated_stacks.ts';
import { Migration20261126054817_stack_versions } from './Migration20261126054817_stack_versions.ts';
import { Migration20261126054930_runs_of_events } from './Migration20261126054930_runs_of_events.ts';
import { Migration20261126151448_common_of_events } from './Migration20261126151448_common_of_events.ts';
import { Migration20261126153000_snapshots_as_text } from './Migration20261126153000_snapshots_as_text.ts';

/** Every migration in order, named one by one so that no folder is searched at run time. */
export const migrations: readonly Constructor<Migration>[] = [
  Migration20261123000000_initial,
  Migration20261126013332_agent_certificates,
  Migration20261126014725_plugin_records,
  Migration20261126021500_room_for_updates,
  Migration20261126052645_trust,
  Migration20261126052944_leaving,
  Migration20261126053208_deprecated_stacks,
  Migration20261126054817_stack_versions,
  Migration20261126054930_runs_of_events,
  Migration20261126151448_common_of_events,
  Migration20261126153000_snapshots_as_text,
];
