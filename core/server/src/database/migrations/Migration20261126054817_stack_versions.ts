import { Migration } from '@mikro-orm/migrations';

/** Each host component runs from an artifact, each config version belongs to a version of its stack, and jobs can pause. */
export class Migration20261126054817_stack_versions extends Migration {
  override name = 'Migration20261126054817_stack_versions';

  override up(): void {
    this.addSql(`alter table "config_version" add "stack_version" varchar(255) null;`);
    this.addSql(`alter table "host_component" add "stack_digest" varchar(255) null;`);
    this.addSql(`alter table "job" add "pause" varchar(255) null;`);
    this.addSql(`alter table "service" add "laid_aside" jsonb null;`);
    // Until now there was one version for all of a service.
    this.addSql(`update "host_component" set "stack_digest" = "service"."stack_digest" from "service"
      where "host_component"."service_id" = "service"."id" and "host_component"."desired" <> 'ABSENT';`);
    this.addSql(`update "config_version" set "stack_version" = "service"."stack_version" from "service"
      where "config_version"."service_id" = "service"."id";`);
  }

  override down(): void {
    this.addSql(`alter table "config_version" drop column "stack_version";`);
    this.addSql(`alter table "host_component" drop column "stack_digest";`);
    this.addSql(`alter table "job" drop column "pause";`);
    this.addSql(`alter table "service" drop column "laid_aside";`);
  }
}
