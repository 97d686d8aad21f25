import { defineConfig } from 'vitest/config';

const conditions = ['@stackyard/source', 'module', 'node', 'development|production'];

/**
 * One configuration for every package; run it in the package's own folder. The suffix of a file says what it needs:
 * `x.test.ts` nothing, `x.integration.test.ts` a PostgreSQL, `x.e2e.test.ts` the whole product with real components.
 */
const kind = process.env['TEST_KIND'] ?? 'unit';
const include = {
  unit: ['{src,e2e}/**/*.test.ts'],
  integration: ['src/**/*.integration.test.ts'],
  e2e: ['{src,e2e}/**/*.e2e.test.ts'],
  workspace: ['core/workspace/**/*.test.ts'],
}[kind];

export default defineConfig({
  root: process.cwd(),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@stackyard/source'] } },
  test: {
    include: include ?? [],
    exclude:
      kind === 'unit' ? ['**/*.integration.test.ts', '**/*.e2e.test.ts', '**/node_modules/**'] : ['**/node_modules/**'],
    reporters: ['default', ['json', { outputFile: `reports/${kind}${process.env['TEST_LABEL'] ?? ''}.json` }]],
    passWithNoTests: true,
    // Whole-product runs share ports and two cores; one file at a time keeps them honest.
    fileParallelism: kind === 'unit',
    testTimeout: kind === 'unit' ? 20_000 : 300_000,
    hookTimeout: kind === 'unit' ? 20_000 : 300_000,
  },
});
