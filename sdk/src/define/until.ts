import type { Host } from './host.ts';

/**
 * Tries a step again and again until it does not throw; the waits grow from 0.2 s to 2 s. When the task runs out of
 * time or is cancelled, the last reason is thrown.
 * @example
 * await until(host, async () => {
 *   if (!(await host.connects(host.get(cfg.port)))) throw new Error(`${host.self.host} does not listen yet.`);
 * });
 */
export async function until<T>(host: Host, step: () => Promise<T>): Promise<T> {
  for (let waitMs = 200; ; waitMs = Math.min(waitMs * 1.5, 2000)) {
    let reason: unknown;
    try {
      return await step();
    } catch (error) {
      reason = error;
    }
    try {
      await host.wait(waitMs);
    } catch {
      throw reason;
    }
  }
}
