import { Migration } from '@mikro-orm/migrations';

export class Migration20261126052645_trust extends Migration {
  override name = 'Migration20261126052645_trust';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "allowance" ("id" uuid not null, "digest" varchar(255) null, "package" varchar(255) null, "version" varchar(255) null, "note" varchar(255) not null, "added_by" varchar(255) not null, "added_at" timestamptz not null, primary key ("id"));`,
    );

    this.addSql(
      `create table "publisher" ("name" varchar(255) not null, "scopes" jsonb not null, "added_by" varchar(255) not null, "added_at" timestamptz not null, primary key ("name"));`,
    );

    this.addSql(
      `create table "publisher_key" ("key_id" varchar(255) not null, "publisher" varchar(255) not null, "public_key" varchar(255) not null, "state" varchar(255) not null, "added_by" varchar(255) not null, "added_at" timestamptz not null, "changed_at" timestamptz null, primary key ("key_id"));`,
    );
    this.addSql(`create index "publisher_key_publisher_index" on "publisher_key" ("publisher");`);

    this.addSql(
      `create table "stack_pin" ("name" varchar(255) not null, "version" varchar(255) not null, "digest" varchar(255) not null, "publisher" varchar(255) null, "pinned_at" timestamptz not null, primary key ("name", "version"));`,
    );

    this.addSql(
      `create table "trust_policy" ("id" serial primary key, "policy" varchar(255) not null, "changed_by" varchar(255) not null, "changed_at" timestamptz not null);`,
    );

    this.addSql(
      `alter table "stack" add "origin" varchar(255) not null default 'configuration', add "source" text null, add "basis" varchar(255) not null default 'configuration', add "publisher" varchar(255) null, add "key_id" varchar(255) null, add "signatures" jsonb null, add "installed_by" varchar(255) not null default 'system';`,
    );
    // What is installed is pinned, as if it had been from the beginning.
    this.addSql(
      `insert into "stack_pin" ("name", "version", "digest", "pinned_at") select "name", "version", "digest", "installed_at" from "stack";`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "allowance" cascade;`);
    this.addSql(`drop table if exists "publisher" cascade;`);
    this.addSql(`drop table if exists "publisher_key" cascade;`);
    this.addSql(`drop table if exists "stack_pin" cascade;`);
    this.addSql(`drop table if exists "trust_policy" cascade;`);

    this.addSql(
      `alter table "stack" drop column "origin", drop column "source", drop column "basis", drop column "publisher", drop column "key_id", drop column "signatures", drop column "installed_by";`,
    );
  }
}
