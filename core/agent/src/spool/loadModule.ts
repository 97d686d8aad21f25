import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);

/** Loads a module by its path or URL, without the turns of the event loop that an import takes unless it waits for something itself. */
export async function loadModule(module: string): Promise<unknown> {
  const file = module.startsWith('file:') ? fileURLToPath(module) : module;
  try {
    return require(file) as unknown;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}
