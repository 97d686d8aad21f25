import { expect, test } from 'vitest';
import { filesOf, tarOf, tarSize } from './tarFile.ts';

const files = [
  { path: 'a', size: 3, from: Buffer.from('abc') },
  { path: 'b/empty', size: 0, from: Buffer.alloc(0) },
  { path: 'c', size: 1024, from: Buffer.alloc(1024, 'c') },
];

async function packed(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of tarOf(files)) parts.push(part);
  return Buffer.concat(parts);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(source: AsyncIterable<Uint8Array>): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { path, content } of filesOf(source)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found.push([path, Buffer.concat(parts).toString()]);
  }
  return found;
}

test.each([1, 7, 512, 100_000])('files come back whatever the size of the chunks (%i)', async (size) => {
  const bytes = await packed();
  expect(bytes.length).toBe(tarSize(files));
  expect(await read(inChunks(bytes, size))).toEqual(files.map(({ path, from }) => [path, from.toString()]));
});

test('one that ends early or has a damaged header is refused', async () => {
  const bytes = await packed();
  await expect(read(inChunks(bytes.subarray(0, 1_500), 512))).rejects.toThrow('cut off');
  bytes[10]! ^= 1;
  await expect(read(inChunks(bytes, 512))).rejects.toThrow('damaged');
});
