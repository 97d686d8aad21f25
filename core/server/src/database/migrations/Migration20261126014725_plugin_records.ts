import { Migration } from '@mikro-orm/migrations';

export class Migration20261126014725_plugin_records extends Migration {
  override name = 'Migration20261126014725_plugin_records';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "plugin_record" ("collection" varchar(255) not null, "key" varchar(255) not null, "value" jsonb not null, "updated_at" timestamptz not null, primary key ("collection", "key"));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "plugin_record" cascade;`);
  }
}
