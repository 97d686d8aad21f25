#!/usr/bin/env node
// Plain JavaScript: in the repository it runs the sources, as a package what they were built to.
import { existsSync } from 'node:fs';

const sources = new URL('../src/main.ts', import.meta.url);
await import(existsSync(sources) ? sources.href : new URL('../dist/main.js', import.meta.url).href);
