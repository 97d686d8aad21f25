import { Migration } from '@mikro-orm/migrations';

/**
 * Every task is written twice and every attempt twice or more after they are stored. With room on their pages that
 * touches no index, and the old versions go without a vacuum. Says how new pages are filled; moves nothing.
 */
export class Migration20261126021500_room_for_updates extends Migration {
  override name = 'Migration20261126021500_room_for_updates';

  override up(): void {
    this.addSql(`alter table "attempt" set (fillfactor = 25);`);
    this.addSql(`alter table "task" set (fillfactor = 45);`);
  }

  override down(): void {
    this.addSql(`alter table "attempt" reset (fillfactor);`);
    this.addSql(`alter table "task" reset (fillfactor);`);
  }
}
