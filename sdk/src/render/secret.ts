import type { ConfigValues, Inputs } from '../manifest/inputs.ts';
import type { ConfigManifest, PropertyManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';

/**
 * A secret as everybody but its host and its server sees it: `${secret:conf/password:…}`, sealed by the server that
 * keeps it. What stands after the second colon says nothing about the secret, only whether it is another one.
 */
const SEALED = String.raw`\$\{secret:([A-Za-z0-9._-]{1,100})/([A-Za-z0-9_]{1,63}):([A-Za-z0-9_-]{40,30000})\}`;
const WHOLE = new RegExp(`^${SEALED}$`);
const ANYWHERE = new RegExp(SEALED, 'g');

/** How much of a seal is shown: enough to see that a secret is another one. */
const SHOWN = 8;

/** Shorter ones would be found, and hidden, in the middle of other words of a log. */
const SHORTEST = 4;
const LONGEST = 16_384;

export interface Sealed {
  readonly config: string;
  readonly property: string;
  /** base64url, only the server can read it. */
  readonly seal: string;
}

export function sealedText({ config, property, seal }: Sealed): string {
  return `\${secret:${config}/${property}:${seal}}`;
}

/** A sealed secret in its parts; undefined for every other value. */
export function parseSealed(value: Json | undefined): Sealed | undefined {
  const [, config, property, seal] = (typeof value === 'string' && WHOLE.exec(value)) || [];
  return config !== undefined && property !== undefined && seal !== undefined ? { config, property, seal } : undefined;
}

export function isSealed(value: Json | undefined): value is string {
  return parseSealed(value) !== undefined;
}

/** Every sealed secret in a text, each once. */
export function sealedIn(text: string): string[] {
  return [...new Set(text.match(ANYWHERE))];
}

/** A text for people: seals are cut to what tells one from another. */
export function withShortSeals(text: string): string {
  // Nearly no text has any.
  if (!text.includes('${secret:')) return text;
  return text.replace(ANYWHERE, (_whole, config: string, property: string, seal: string) =>
    sealedText({ config, property, seal: seal.slice(0, SHOWN) }),
  );
}

/** What is wrong with a secret that somebody gives, as the rest of a sentence that starts with the property's name; never with the secret. */
export function secretFault({ pattern }: Pick<PropertyManifest, 'pattern'>, text: string): string | undefined {
  if (text.length < SHORTEST) return `is shorter than ${SHORTEST} characters`;
  if (Buffer.byteLength(text) > LONGEST) return `is longer than ${LONGEST} bytes`;
  if (/[\0\p{Surrogate}]/u.test(text)) return 'contains a character that no file can hold';
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(text)) return `does not match ${pattern}`;
  return undefined;
}

export function isSecret(configs: readonly ConfigManifest[], config: string, property: string): boolean {
  return configs
    .filter(({ name }) => name === config)
    .some(({ properties }) => properties.some(({ name, type }) => name === property && type === 'secret'));
}

/** Every secret as it stands, sealed, in the inputs of a host component. */
export function sealedSecrets({ values, instances }: Pick<Inputs, 'values' | 'instances'>): string[] {
  const overrides = Object.values(instances).flatMap((list) => list.map((instance) => instance.overrides ?? {}));
  const texts = [values, ...overrides].flatMap((each) => Object.values(each).map((own) => Object.values(own))).flat();
  return [...new Set(texts.filter(isSealed))];
}

/**
 * Inputs with the secrets themselves in the place of their seals.
 * @param opened by seal
 */
export function openedInputs(
  configs: readonly ConfigManifest[],
  inputs: Inputs,
  opened: Readonly<Record<string, string>>,
): Inputs {
  const paths = secretPaths(configs);
  if (paths.length === 0) return inputs;
  const open = (values: ConfigValues): ConfigValues => {
    const changed: Record<string, Record<string, Json>> = {};
    for (const [config, property] of paths) {
      const sealed: Json | undefined = values[config]?.[property];
      const text = isSealed(sealed) && Object.hasOwn(opened, sealed) ? opened[sealed] : undefined;
      if (text !== undefined) changed[config] = { ...values[config], ...changed[config], [property]: text };
    }
    return { ...values, ...changed };
  };
  const instances = Object.fromEntries(
    Object.entries(inputs.instances).map(([component, list]) => [
      component,
      list.map((instance) => (instance.overrides ? { ...instance, overrides: open(instance.overrides) } : instance)),
    ]),
  );
  return { ...inputs, values: open(inputs.values), instances };
}

function secretPaths(configs: readonly ConfigManifest[]): [config: string, property: string][] {
  return configs.flatMap(({ name, properties }) =>
    properties.filter(({ type }) => type === 'secret').map((property): [string, string] => [name, property.name]),
  );
}
