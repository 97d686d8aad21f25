import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
/** Even for one that is loaded, `require` looks where its file is. */
const loaded = new Map<string, unknown>();

/** Loads a module by its path or URL, without the turns of the event loop that an import takes unless it waits for something itself. */
export async function loadModule(module: string): Promise<unknown> {
  if (!loaded.has(module)) loaded.set(module, await load(module));
  return loaded.get(module);
}

async function load(module: string): Promise<unknown> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : module;
  try {
    return require(file) as unknown;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}
