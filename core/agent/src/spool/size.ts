import { stat } from 'node:fs/promises';

/** Bytes of a file; 0 while there is none. */
export async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
