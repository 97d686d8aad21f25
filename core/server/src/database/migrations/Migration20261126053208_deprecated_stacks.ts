import { Migration } from '@mikro-orm/migrations';

export class Migration20261126053208_deprecated_stacks extends Migration {
  override name = 'Migration20261126053208_deprecated_stacks';

  override up(): void | Promise<void> {
    this.addSql(`alter table "stack" add "deprecated" text null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "stack" drop column "deprecated";`);
  }
}
