import { expect, test } from 'vitest';
import { findCycles, order } from './graph.ts';

type Edges = Readonly<Record<string, readonly string[]>>;
const cyclesOf = (edges: Edges) =>
  findCycles(Object.keys(edges), (node) => edges[node] ?? []).map((path) => path.join(' → '));
const orderOf = (nodes: string, needs: Edges, likes: Edges = {}) =>
  order(
    nodes.split(''),
    (node) => needs[node] ?? [],
    (node) => likes[node] ?? [],
  ).join('');

test('a cycle is a path that ends where it began', () => {
  expect(cyclesOf({ a: ['b'], b: ['c'], c: ['b'] })).toEqual(['b → c → b']);
  expect(cyclesOf({ a: ['a'] })).toEqual(['a → a']);
  expect(cyclesOf({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })).toEqual([]);
});

test('separate cycles are all found, a knot of several once', () => {
  expect(cyclesOf({ a: ['b'], b: ['a'], c: ['d'], d: ['c'] })).toEqual(['a → b → a', 'c → d → c']);
  expect(cyclesOf({ a: ['b', 'c'], b: ['a', 'c'], c: ['a', 'b'] })).toEqual(['a → b → a']);
});

test('every node comes after what it needs, otherwise in its own place', () => {
  expect(orderOf('abcd', { a: ['c'], b: ['a'] })).toBe('cabd');
});

test('a wish is granted unless a need, or an earlier wish, contradicts it', () => {
  expect(orderOf('ab', {}, { a: ['b'] })).toBe('ba');
  expect(orderOf('abc', { b: ['c'], c: ['a'] }, { a: ['b'] })).toBe('acb');
  expect(orderOf('ab', {}, { a: ['b'], b: ['a'] })).toBe('ba');
});

test('a thousand wishes over a deep lattice take no time', () => {
  const nodes = Array.from({ length: 60 }, (_, at) => at);
  const lower = (node: number) => nodes.filter((other) => other < node);
  const higher = (node: number) => nodes.filter((other) => other > node);
  expect(order(nodes, lower, higher)).toEqual(nodes);
});
