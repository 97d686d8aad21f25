import { Migration } from '@mikro-orm/migrations';

export class Migration20261126013332_agent_certificates extends Migration {
  override name = 'Migration20261126013332_agent_certificates';

  /** Agents had a secret before: those hosts have no certificate, and join again. */
  override up(): void | Promise<void> {
    this.addSql(
      `create table "agent_certificate" ("serial" varchar(255) not null, "host_id" uuid not null, "authority" varchar(255) not null, "issued_at" timestamptz not null, "expires_at" timestamptz not null, "revoked_at" timestamptz null, primary key ("serial"));`,
    );
    this.addSql(`create index "agent_certificate_host_id_index" on "agent_certificate" ("host_id");`);

    this.addSql(`alter table "host" drop column "secret_hash";`);
    this.addSql(`alter table "host" add "trusted_authorities" jsonb null;`);
  }
}
