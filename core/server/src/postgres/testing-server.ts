/**
 * A process for tests to kill: starts the embedded PostgreSQL with the options in its first argument (JSON), prints one
 * line of JSON — the outcome, or the error — and then stays until it is killed or its input ends.
 */
import { startEmbeddedPostgres } from './embedded.ts';

const ignore = () => undefined;
const log = { info: ignore, warn: ignore, error: ignore };
const { dataDir, binaries, guardianSeconds } = JSON.parse(process.argv[2] ?? '{}') as {
  dataDir: string;
  binaries?: string;
  guardianSeconds?: number;
};

try {
  const running = await startEmbeddedPostgres({
    dataDir,
    log,
    ...(binaries === undefined ? {} : { binaries }),
    ...(guardianSeconds === undefined ? {} : { guardianSeconds }),
  });
  const { url, adopted, version, pid } = running;
  process.stdout.write(`${JSON.stringify({ url, adopted, version, pid })}\n`);
  process.stdin.resume().on('end', () => {
    running.stop().catch((error: unknown) => {
      process.stderr.write(String(error));
      process.exitCode = 1;
    });
  });
} catch (error) {
  const { code, name, message } = error as Error & { code?: string };
  process.stdout.write(`${JSON.stringify({ error: { code, name, message } })}\n`);
}
