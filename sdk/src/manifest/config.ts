import { EFFECTS } from '@stackyard/domain';
import { z } from 'zod';
import { Expression, Json } from './expression.ts';

/** A name is looked up in objects; one that every object has would be found in all of them. */
const isOwn = (name: string): boolean => !(name in Object.prototype);
const OWN_NAME = 'every object of JavaScript has something called so; use another name';

/** Lower-case name of a service, component, config property …: it becomes part of paths and URLs. */
export const Name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'use lower-case letters, digits, _ and -, starting with a letter')
  .refine(isOwn, OWN_NAME);
export const PropertyName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'use letters, digits and _, starting with a letter')
  .refine(isOwn, OWN_NAME);
/** The file name a config is rendered to, such as zoo.cfg. */
export const FileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'use letters, digits, ., _ and -')
  .refine(isOwn, OWN_NAME);

export const PROPERTY_TYPES = [
  'int',
  'float',
  'bool',
  'text',
  'enum',
  'port',
  'dir',
  'dirs',
  'file',
  'url',
  'hosts',
  'memory',
  'duration',
  'list',
  'map',
  'secret',
] as const;

export const PropertyManifest = z.strictObject({
  name: PropertyName,
  type: z.enum(PROPERTY_TYPES),
  /** The key in the rendered file; the property's name when absent. */
  key: z.string().optional(),
  help: z.string(),
  /** A constant, or an expression over host facts (a recommendation). Absent: the operator must give a value. */
  default: Expression.optional(),
  optional: z.boolean().optional(),
  /** A condition: while it is false the property is out of use, has no value, and editors do not show it. */
  when: Expression.optional(),
  unit: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  /** What is wise, within what is possible: a value outside is a warning. */
  advise: z.strictObject({ min: z.number().optional(), max: z.number().optional() }).optional(),
  pattern: z.string().optional(),
  values: z.array(z.string()).optional(),
  effect: z.enum(EFFECTS),
  /** Made once by the server for the whole service and kept. */
  generated: z.enum(['uuid']).optional(),
  /** On local hosts the ordinal, so many times, is added to this port: for products that know a peer by its address. True is 1. */
  offsetByOrdinal: z.union([z.boolean(), z.number().int().positive()]).optional(),
});
export type PropertyManifest = z.infer<typeof PropertyManifest>;

export const FORMATS = ['properties', 'xml', 'yaml', 'json', 'ini', 'env', 'text'] as const;
export type Format = (typeof FORMATS)[number];

export const ConfigManifest = z.strictObject({
  name: FileName,
  title: z.string().optional(),
  format: z.enum(FORMATS, `its format is none of ${FORMATS.join(', ')}`),
  /** A file of the artifact's templates/ folder. Absent: every property is written in the format. */
  template: z.string().optional(),
  /** Absent when the config is never written to a file (values for expressions only). */
  file: z.boolean(),
  mode: z.number().int().optional(),
  properties: z.array(PropertyManifest),
  /** What a change asks for that no property explains, such as a new member in the list of servers. */
  effect: z.enum(EFFECTS),
});
export type ConfigManifest = z.infer<typeof ConfigManifest>;
export { Json };
