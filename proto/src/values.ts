import type { Value, Value__Output } from './gen/stackyard/agent/v1/Value.ts';
import type { ValueMap, ValueMap__Output } from './gen/stackyard/agent/v1/ValueMap.ts';

/** A JSON value; on the wire it is a Value, so that no JSON text travels inside messages. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export function toValue(json: Json): Value {
  if (json === null) return { none: true };
  if (typeof json === 'string') return { text: json };
  if (typeof json === 'number') return { number: json };
  if (typeof json === 'boolean') return { flag: json };
  return isList(json) ? { list: { items: json.map(toValue) } } : { map: toValueMap(json) };
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

export function toValueMap(object: { readonly [key: string]: Json }): ValueMap {
  return { entries: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, toValue(value)])) };
}

export function fromValue({ kind, text, number, flag, list, map }: Value__Output): Json {
  if (kind === 'text') return text ?? '';
  if (kind === 'number') return number ?? 0;
  if (kind === 'flag') return flag ?? false;
  if (kind === 'list') return (list?.items ?? []).map(fromValue);
  if (kind === 'map') return fromValueMap(map ?? undefined);
  return null;
}

export function fromValueMap(map: ValueMap__Output | undefined): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(map?.entries ?? {}).map(([key, value]) => [key, fromValue(value)]));
}
