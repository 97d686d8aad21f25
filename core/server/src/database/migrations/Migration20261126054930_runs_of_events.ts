import { Migration } from '@mikro-orm/migrations';

/** Events of one commit share a row where they differ in their payloads only. Those that are there get rows of their own. */
export class Migration20261126054930_runs_of_events extends Migration {
  override name = 'Migration20261126054930_runs_of_events';

  override up(): void {
    this.addSql(
      `create table "event_run" ("id" bigint not null, "first_id" bigint not null, "after_id" bigint not null, "topic" varchar(255) not null, "cluster_id" uuid null, "payloads" json not null, "at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(
      `insert into "event_run" ("id", "first_id", "after_id", "topic", "cluster_id", "payloads", "at") select id, id, id - 1, topic, cluster_id, json_build_array(payload), at from "event";`,
    );
    this.addSql(`create index "event_run_cluster_id_id_index" on "event_run" ("cluster_id", "id");`);
    this.addSql(
      `alter table "event_run" add constraint "event_run_check" check (after_id < first_id and first_id <= id);`,
    );
    this.addSql(`drop table "event";`);
  }

  override down(): void {
    this.addSql(
      `create table "event" ("id" bigserial primary key, "topic" varchar(255) not null, "cluster_id" uuid null, "payload" jsonb not null, "at" timestamptz not null);`,
    );
    this.addSql(
      `insert into "event" ("id", "topic", "cluster_id", "payload", "at") select first_id + place - 1, topic, cluster_id, said.payload, at from "event_run", json_array_elements(payloads) with ordinality as said(payload, place);`,
    );
    this.addSql(`create index "event_cluster_id_id_index" on "event" ("cluster_id", "id");`);
    this.addSql(`drop table "event_run";`);
  }
}
