import { z } from 'zod';
import { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import { Expression, Json, Probe, PropertyRef } from '../manifest/expression.ts';
import {
  ActionManifest,
  AlertManifest,
  ComponentManifest,
  DashboardManifest,
  PackageManifest,
  ProcessManifest,
  ServiceManifest,
  StackManifest,
} from '../manifest/manifest.ts';

/** Parts that the schema names, so that a reader finds them. */
const PARTS = {
  Json,
  Expression,
  Probe,
  PropertyRef,
  PropertyManifest,
  ConfigManifest,
  PackageManifest,
  ProcessManifest,
  ActionManifest,
  AlertManifest,
  DashboardManifest,
  ComponentManifest,
  ServiceManifest,
};

/** JSON Schema of `manifest.json`, as the server reads it. */
export function schemaText(): string {
  const metadata = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(PARTS)) metadata.add(schema, { id });
  const schema = z.toJSONSchema(StackManifest, { metadata });
  return `${JSON.stringify({ title: 'manifest.json of a Stackyard stack', ...schema }, undefined, 2)}\n`;
}
