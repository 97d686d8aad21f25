/** One cycle for each group of names that need each other; every cycle ends with the name it begins with. */
export function cyclesOf(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  for (const start of needs.keys()) {
    // An explicit stack: what an author writes may be deeper than the call stack.
    const path: { readonly name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    const onPath = new Set(path.map(({ name }) => name));
    while (path.length > 0) {
      const step = path.at(-1)!;
      const next = needs.get(step.name)?.[step.next++];
      if (next === undefined) {
        done.add(step.name);
        onPath.delete(step.name);
        path.pop();
      } else if (onPath.has(next)) {
        cycles.push([...path.slice(path.findIndex(({ name }) => name === next)).map(({ name }) => name), next]);
      } else if (!done.has(next)) {
        path.push({ name: next, next: 0 });
        onPath.add(next);
      }
    }
  }
  return cycles;
}
