import type { ConfigValues, Json } from '@stackyard/planner';
import { parseSealed } from '@stackyard/sdk/render';

const FINGERPRINT = 12;

/** How a secret is read: that there is one, and whether it is the same as another time. */
export interface SecretView {
  readonly secret: true;
  readonly set: true;
  readonly fingerprint: string;
}

export function secretView(sealed: Json): SecretView | undefined {
  const parsed = parseSealed(sealed);
  return parsed && { secret: true, set: true, fingerprint: parsed.seal.slice(0, FINGERPRINT) };
}

/** A value as it may be read. */
export function readable(value: Json): Json {
  return (secretView(value) as Json | undefined) ?? value;
}

export function readableValues(values: ConfigValues): Record<string, Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(values).map(([config, own]) => [
      config,
      Object.fromEntries(Object.entries(own).map(([name, value]) => [name, readable(value)])),
    ]),
  );
}

/** Whether a value is a secret as it was read, sent back to keep it. */
export function isSecretView(value: Json): value is { readonly secret: true; readonly fingerprint?: Json } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'secret' in value &&
    value['secret'] === true
  );
}
