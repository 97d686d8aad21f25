import { Migration } from '@mikro-orm/migrations';

/**
 * A job's snapshot is written once and read as a whole: as the text that it is, it is neither taken apart nor put together
 * again, and its keys stay in their order.
 */
export class Migration20261126153000_snapshots_as_text extends Migration {
  override name = 'Migration20261126153000_snapshots_as_text';

  override up(): void {
    this.addSql(`alter table "job" alter column "snapshot" type json using ("snapshot"::json);`);
  }

  override down(): void {
    this.addSql(`alter table "job" alter column "snapshot" type jsonb using ("snapshot"::jsonb);`);
  }
}
