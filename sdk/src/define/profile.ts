import type { Json } from '../manifest/expression.ts';
import { called } from './callSite.ts';
import type { Component } from './component.ts';
import type { Property, PropertyType } from './expression.ts';

/** One thing that a profile decides, as `set` and `onHosts` give it. */
export type Setting =
  | { readonly config: string; readonly property: string; readonly value: Json }
  | { readonly component: string; readonly hosts: number };

/** Sizes that go together, as `profile` gives them. */
export interface Profile {
  /** What it is for. */
  readonly help: string;
  /** What it decides. */
  readonly settings: readonly Setting[];
}

/**
 * Sizes of a service that go together and that an operator takes by one word, such as `small`. They stand where the
 * operator says nothing else, and can be changed afterwards as every value can.
 * @example
 * profiles: { small: profile('Several members on one machine', [set(cfg.heap, 64), onHosts(server, 1)]) }
 */
export function profile(help: string, settings: readonly Setting[]): Profile {
  return called({ help, settings }, profile);
}

/**
 * In a profile: the value that a property has.
 * @example
 * set(cfg.heap, 64)
 */
export function set<V extends Json>(property: Property<PropertyType, V>, value: V): Setting {
  return { ...property.ref, value };
}

/**
 * In a profile: on how many hosts a component goes where the operator does not place it.
 * @example
 * onHosts(server, 1)
 */
export function onHosts(component: Component, hosts: number): Setting {
  return { component: component.name, hosts };
}
