import { Migration } from '@mikro-orm/migrations';

export class Migration20261123000000_initial extends Migration {
  override name = 'Migration20261123000000_initial';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "api_token" ("id" uuid not null, "name" varchar(255) not null, "hash" varchar(255) not null, "created_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`alter table "api_token" add constraint "api_token_hash_unique" unique ("hash");`);

    this.addSql(
      `create table "attempt" ("id" varchar(255) not null, "task_id" uuid not null, "job_id" uuid not null, "host_id" uuid not null, "number" int not null, "state" varchar(255) not null, "dispatch" varchar(255) null, "reason" varchar(255) null, "message" text null, "envelope_hash" varchar(255) null, "epoch" bigint null, "session_no" bigint null, "journal_id" uuid null, "exit_code" int null, "signal" varchar(255) null, "outputs" jsonb null, "log_size" bigint not null, "issued_at" timestamptz null, "started_at" timestamptz null, "finished_at" timestamptz null, "duration_ms" int null, "late" jsonb null, primary key ("id"));`,
    );
    this.addSql(`create index "attempt_job_id_index" on "attempt" ("job_id");`);
    this.addSql(`alter table "attempt" add constraint "attempt_task_id_number_unique" unique ("task_id", "number");`);

    this.addSql(
      `create table "audit_entry" ("id" uuid not null, "at" timestamptz not null, "principal" varchar(255) not null, "action" varchar(255) not null, "resource" varchar(255) not null, "cluster_id" uuid null, "request_id" varchar(255) not null, "status" int not null, primary key ("id"));`,
    );
    this.addSql(`create index "audit_entry_at_index" on "audit_entry" ("at");`);

    this.addSql(
      `create table "cluster" ("id" uuid not null, "name" varchar(255) not null, "title" varchar(255) null, "revision" int not null, "created_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`alter table "cluster" add constraint "cluster_name_unique" unique ("name");`);

    this.addSql(
      `create table "config_version" ("id" uuid not null, "service_id" uuid not null, "version" int not null, "values" jsonb not null, "overrides" jsonb not null, "note" varchar(255) null, "created_by" varchar(255) not null, "created_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(
      `alter table "config_version" add constraint "config_version_service_id_version_unique" unique ("service_id", "version");`,
    );

    this.addSql(
      `create table "event" ("id" bigserial primary key, "topic" varchar(255) not null, "cluster_id" uuid null, "payload" jsonb not null, "at" timestamptz not null);`,
    );
    this.addSql(`create index "event_cluster_id_id_index" on "event" ("cluster_id", "id");`);

    this.addSql(
      `create table "host" ("id" uuid not null, "name" varchar(255) not null, "address" varchar(255) not null, "bind" varchar(255) not null, "root" varchar(255) not null, "local" boolean not null, "cluster_id" uuid null, "secret_hash" varchar(255) not null, "facts" jsonb null, "journal_id" uuid null, "host_boot_id" varchar(255) null, "agent_boot_id" varchar(255) null, "agent_version" varchar(255) null, "session_no" bigint not null, "connected" boolean not null, "last_seen_at" timestamptz null, "joined_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`alter table "host" add constraint "host_name_unique" unique ("name");`);
    this.addSql(`create index "host_cluster_id_index" on "host" ("cluster_id");`);

    this.addSql(
      `create table "host_component" ("id" uuid not null, "cluster_id" uuid not null, "service_id" uuid not null, "service" varchar(255) not null, "component" varchar(255) not null, "host_id" uuid not null, "ordinal" int not null, "desired" varchar(255) not null, "observed" varchar(255) not null, "observed_at" timestamptz null, "observed_message" text null, "role" varchar(255) null, "restarts" int not null, "pid" int null, "applied" jsonb null, "applied_values" jsonb null, "config_version" int null, "once" jsonb not null, "created_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`create index "host_component_host_id_index" on "host_component" ("host_id");`);
    this.addSql(`create index "host_component_cluster_id_index" on "host_component" ("cluster_id");`);
    this.addSql(
      `alter table "host_component" add constraint "host_component_service_id_component_host_id_unique" unique ("service_id", "component", "host_id");`,
    );
    this.addSql(
      `alter table "host_component" add constraint "host_component_service_id_component_ordinal_unique" unique ("service_id", "component", "ordinal");`,
    );

    this.addSql(
      `create table "idempotency_key" ("principal" varchar(255) not null, "key" varchar(255) not null, "request_hash" varchar(255) not null, "status" int null, "headers" jsonb null, "body" jsonb null, "created_at" timestamptz not null, primary key ("principal", "key"));`,
    );
    this.addSql(`create index "idempotency_key_created_at_index" on "idempotency_key" ("created_at");`);

    this.addSql(
      `create table "installation" ("id" serial primary key, "install_id" uuid not null, "epoch" bigint not null, "commit_no" bigint not null default '0', "created_at" timestamptz not null);`,
    );

    this.addSql(
      `create table "job" ("id" uuid not null, "cluster_id" uuid not null, "position" bigint not null, "command" varchar(255) not null, "title" varchar(255) not null, "request" jsonb not null, "state" varchar(255) not null, "reason" varchar(255) null, "cancel_requested" boolean not null, "basis" int not null, "graph" bytea not null, "snapshot" jsonb not null, "task_count" int not null, "counts" jsonb not null, "created_by" varchar(255) not null, "created_at" timestamptz not null, "started_at" timestamptz null, "finished_at" timestamptz null, primary key ("id"));`,
    );
    this.addSql(`create index "job_position_index" on "job" ("position");`);
    this.addSql(`create index "job_cluster_id_state_index" on "job" ("cluster_id", "state");`);

    this.addSql(
      `create table "join_token" ("hash" varchar(255) not null, "host_name" varchar(255) not null, "expires_at" timestamptz not null, "used_at" timestamptz null, "created_by" varchar(255) not null, "created_at" timestamptz not null, primary key ("hash"));`,
    );

    this.addSql(
      `create table "rendered_text" ("digest" varchar(255) not null, "content" text not null, "created_at" timestamptz not null, primary key ("digest"));`,
    );

    this.addSql(
      `create table "service" ("id" uuid not null, "cluster_id" uuid not null, "name" varchar(255) not null, "stack_name" varchar(255) not null, "stack_version" varchar(255) not null, "stack_digest" varchar(255) not null, "config_version" int not null, "generated" jsonb not null, "next_ordinals" jsonb not null, "created_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`alter table "service" add constraint "service_cluster_id_name_unique" unique ("cluster_id", "name");`);

    this.addSql(
      `create table "stack" ("id" uuid not null, "name" varchar(255) not null, "version" varchar(255) not null, "digest" varchar(255) not null, "size" bigint not null, "manifest" jsonb not null, "installed_at" timestamptz not null, primary key ("id"));`,
    );
    this.addSql(`alter table "stack" add constraint "stack_name_version_unique" unique ("name", "version");`);

    this.addSql(
      `create table "stored_plan" ("id" uuid not null, "cluster_id" uuid not null, "basis" int not null, "request" jsonb not null, "view" jsonb not null, "created_by" varchar(255) not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, "job_id" uuid null, primary key ("id"));`,
    );

    this.addSql(
      `create table "task" ("id" uuid not null, "job_id" uuid not null, "node" int not null, "cluster_id" uuid not null, "host_id" uuid not null, "host_component_id" uuid not null, "service" varchar(255) not null, "component" varchar(255) not null, "phase" varchar(255) not null, "timeout_ms" int not null, "idempotent" boolean not null, "delete_data" boolean not null, "state" varchar(255) not null, "reason" varchar(255) null, "attempts" int not null, "started_at" timestamptz null, "finished_at" timestamptz null, primary key ("id"));`,
    );
    this.addSql(`alter table "task" add constraint "task_job_id_node_unique" unique ("job_id", "node");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "api_token" cascade;`);
    this.addSql(`drop table if exists "attempt" cascade;`);
    this.addSql(`drop table if exists "audit_entry" cascade;`);
    this.addSql(`drop table if exists "cluster" cascade;`);
    this.addSql(`drop table if exists "config_version" cascade;`);
    this.addSql(`drop table if exists "event" cascade;`);
    this.addSql(`drop table if exists "host" cascade;`);
    this.addSql(`drop table if exists "host_component" cascade;`);
    this.addSql(`drop table if exists "idempotency_key" cascade;`);
    this.addSql(`drop table if exists "installation" cascade;`);
    this.addSql(`drop table if exists "job" cascade;`);
    this.addSql(`drop table if exists "join_token" cascade;`);
    this.addSql(`drop table if exists "rendered_text" cascade;`);
    this.addSql(`drop table if exists "service" cascade;`);
    this.addSql(`drop table if exists "stack" cascade;`);
    this.addSql(`drop table if exists "stored_plan" cascade;`);
    this.addSql(`drop table if exists "task" cascade;`);
  }
}
