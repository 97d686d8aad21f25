import { createHash } from 'node:crypto';
import type { ConfigManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import type { Inputs, RenderedFile } from '../manifest/inputs.ts';
import type { ComponentManifest, ServiceManifest } from '../manifest/manifest.ts';
import { configDir } from '../paths.ts';
import { resolveAll, type TemplateContext, templateContext, type Values } from './context.ts';
import { TemplateError, ValueError } from './errors.ts';
import { evaluate, toText } from './evaluate.ts';
import { type Entry, FORMAT_WRITERS, type FormatWriter } from './formats.ts';
import { helpersFor } from './helpers.ts';
import { compileTemplate } from './template.ts';

export interface RenderRequest {
  readonly service: ServiceManifest;
  readonly component: ComponentManifest;
  /** Sources of the stack's templates by their path under templates/. */
  readonly templates: Readonly<Record<string, string>>;
  readonly inputs: Inputs;
}

const MAX_CONTENT = 1_048_576;

/**
 * Every file a component gets on its host: its configs that are files, then its declared files. Pure: the same request
 * gives the same bytes wherever it runs.
 * @throws TemplateError, ValueError, ExpressionError, PathError
 */
export function renderComponent({ service, component, templates, inputs }: RenderRequest): RenderedFile[] {
  const values = resolveAll(service.configs, inputs, inputs.self.ordinal);
  let made: SharedContext | undefined;
  // Costs a look at every host component of the service, which only a template asks for.
  const shared = () => (made ??= templateContext(service, inputs, values));
  const configs = component.configs
    .map((name) => requireConfig(service, name))
    .filter((config) => config.file)
    .map((config) =>
      file(`${configDir(inputs.self)}/${config.name}`, renderConfig(config, { values, shared, templates }), {
        mode: config.mode ?? 0o644,
        config: config.name,
      }),
    );
  const declared = component.files.map(({ in: directory, name, content }) => {
    const context = { service, inputs, place: `file ${name}` };
    const path = `${toText(evaluate({ property: directory }, context))}/${name}`;
    return file(path, `${toText(evaluate(content, context))}\n`, { mode: 0o644 });
  });
  return [...configs, ...declared];
}

function requireConfig(service: ServiceManifest, name: string): ConfigManifest {
  const config = service.configs.find((candidate) => candidate.name === name);
  if (!config) throw new TemplateError(name, `service ${service.name} has no such config`);
  return config;
}

type SharedContext = Omit<TemplateContext, 'config'>;

interface ConfigSources {
  readonly values: Values;
  readonly shared: () => SharedContext;
  readonly templates: RenderRequest['templates'];
}

function renderConfig(config: ConfigManifest, { values, shared, templates }: ConfigSources): string {
  const own = values[config.name] ?? {};
  const writer = FORMAT_WRITERS[config.format];
  const entries = (except: readonly string[]) => entriesOf(config, own, except, writer);
  if (config.template === undefined) return placed(config, () => writer.document(entries([])));
  const source = templates[config.template];
  if (source === undefined) throw new TemplateError(config.template, `it is not in the stack (config ${config.name})`);
  const helpers = helpersFor({ config, writer, entries });
  return compileTemplate(config.template, source).render({ ...shared(), config: own }, helpers);
}

/** Keys and values of a config in the order of its properties; an optional property without a value is left out. */
function entriesOf(
  config: ConfigManifest,
  own: Readonly<Record<string, Json>>,
  except: readonly string[],
  writer: FormatWriter,
): Entry[] {
  const entries = config.properties
    .filter((property) => !except.includes(property.name))
    .flatMap((property): Entry[] => {
      const value = own[property.name] ?? null;
      if (value === null) return [];
      const isMap = property.type === 'map' && typeof value === 'object' && !Array.isArray(value);
      return isMap && !writer.nested ? Object.entries(value) : [[property.key ?? property.name, value]];
    });
  const twice = entries.find(([key], index) => entries.findIndex(([other]) => other === key) !== index);
  if (twice) throw new ValueError(`${config.name} would have the key ${twice[0]} twice.`);
  return entries;
}

function placed<T>(config: ConfigManifest, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof ValueError) throw new ValueError(`${config.name}: ${error.message}`);
    throw error;
  }
}

function file(path: string, content: string, { mode, config }: { mode: number; config?: string }): RenderedFile {
  if (content.length > MAX_CONTENT) throw new ValueError(`${path} would be longer than ${MAX_CONTENT} characters.`);
  const digest = `sha256-${createHash('sha256').update(content).digest('hex')}`;
  return { path, content, mode, digest, ...(config === undefined ? {} : { config }) };
}
