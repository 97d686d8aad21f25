import type { ClusterPicture, ClusterService } from '@stackyard/contract';
import type { AlertManifest } from '@stackyard/sdk/manifest';
import { StackyardError } from '@stackyard/kernel';
import { Document } from 'yaml';
import { annotation } from './plainText.ts';
import { bindLabels, matcher } from './promql.ts';

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  /** `<cluster>/<service>` */
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** An alert that is not served, because Prometheus must not run it. */
export interface LeftOut {
  readonly group: string;
  readonly alert: string;
  readonly why: string;
}

export interface Rules {
  readonly groups: readonly RuleGroup[];
  readonly leftOut: readonly LeftOut[];
}

/** The alerts of every service, each bound to its service in its cluster. */
export function rulesOf(clusters: readonly ClusterPicture[], consoleUrl?: string): Rules {
  const leftOut: LeftOut[] = [];
  const groups = clusters.flatMap((cluster) =>
    cluster.services.flatMap((service) => {
      const name = `${cluster.name}/${service.name}`;
      const rules = (service.manifest.alerts ?? []).flatMap((alert) => {
        try {
          return [ruleOf(alert, cluster, service, consoleUrl)];
        } catch (error) {
          if (!(error instanceof StackyardError)) throw error;
          leftOut.push({ group: name, alert: alert.name, why: error.message });
          return [];
        }
      });
      return rules.length > 0 ? [{ name, rules }] : [];
    }),
  );
  return { groups, leftOut };
}

function ruleOf(alert: AlertManifest, cluster: ClusterPicture, service: ClusterService, consoleUrl?: string): Rule {
  const place = { cluster: cluster.name, service: service.name };
  const page =
    consoleUrl &&
    `${consoleUrl}/clusters/${encodeURIComponent(cluster.name)}/services/${encodeURIComponent(service.name)}`;
  return {
    alert: alert.name,
    expr: bindLabels(
      alert.expr,
      Object.entries(place).map(([label, value]) => matcher(label, value)),
    ),
    for: `${alert.for}s`,
    // They win over labels of the expression, so that no alert can speak for another service.
    labels: { ...place, severity: alert.severity },
    annotations: {
      summary: annotation(alert.summary),
      remedy: annotation(alert.remedy),
      ...(page ? { console: page } : {}),
    },
  };
}

/** A file for `rule_files`. What is left out stands at its top as comments. */
export function rulesYaml({ groups, leftOut }: Rules): string {
  const document = new Document({ groups });
  document.commentBefore = [
    ' Alerts of the stacks, by cluster and service. Written by Stackyard; changes are overwritten.',
    ...leftOut.map(({ group, alert, why }) => ` Left out: ${oneLine(`${group} ${alert}: ${why}`)}`),
  ].join('\n');
  // As JSON writes strings: readers of YAML differ in what ends a line, but not in this.
  return document.toString({
    lineWidth: 0,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    doubleQuotedAsJSON: true,
  });
}

/** Printable ASCII: what else a text of a stack has could end a comment. */
function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
