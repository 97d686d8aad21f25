import { Migration } from '@mikro-orm/migrations';

export class Migration20261126052944_leaving extends Migration {
  override name = 'Migration20261126052944_leaving';

  override up(): void | Promise<void> {
    this.addSql(`alter table "host_component" add "leaving" varchar(255) null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "host_component" drop column "leaving";`);
  }
}
