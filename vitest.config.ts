import { defineConfig } from 'vitest/config';

const conditions = ['@stackyard/source', 'module', 'node', 'development|production'];

/**
 * One configuration for every package; run it in the package's own folder. The suffix of a file says what it needs:
 * `x.test.ts` nothing, `x.integration.test.ts` a PostgreSQL, `x.e2e.test.ts` the whole product with real components,
 * `x.long.test.ts` that, and more minutes than anybody waits for at every change.
 */
const kind = process.env['TEST_KIND'] ?? 'unit';
const include = {
  unit: ['{src,e2e}/**/*.test.ts'],
  integration: ['src/**/*.integration.test.ts'],
  e2e: ['{src,e2e}/**/*.e2e.test.ts'],
  long: ['{src,e2e}/**/*.long.test.ts'],
  workspace: ['core/workspace/**/*.test.ts'],
}[kind];

const limitMs = { unit: 60_000, long: 900_000 }[kind] ?? 300_000;

export default defineConfig({
  root: process.cwd(),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@stackyard/source'] } },
  test: {
    include: include ?? [],
    exclude: ['**/node_modules/**', ...(kind === 'unit' ? ['**/*.{integration,e2e,long}.test.ts'] : [])],
    reporters: ['default', ['json', { outputFile: `reports/${kind}${process.env['TEST_LABEL'] ?? ''}.json` }]],
    passWithNoTests: true,
    // Whole-product runs share ports and two cores; one file at a time keeps them honest.
    fileParallelism: kind === 'unit',
    testTimeout: limitMs,
    hookTimeout: limitMs,
  },
});
