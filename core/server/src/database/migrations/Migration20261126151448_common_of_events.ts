import { Migration } from '@mikro-orm/migrations';

/** What the events of a row say alike is said once. Rows that are there stay as they are, with nothing in common. */
export class Migration20261126151448_common_of_events extends Migration {
  override name = 'Migration20261126151448_common_of_events';

  override up(): void {
    this.addSql(`alter table "event_run" add "common" json null;`);
  }

  override down(): void {
    this.addSql(
      `update "event_run" set "payloads" = (select json_agg(common::jsonb || said.payload::jsonb order by place) from json_array_elements(payloads) with ordinality as said(payload, place)) where "common" is not null;`,
    );
    this.addSql(`alter table "event_run" drop column "common";`);
  }
}
