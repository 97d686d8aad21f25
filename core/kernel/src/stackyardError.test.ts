import { expect, expectTypeOf, test } from 'vitest';
import * as kernelErrors from './errors.ts';
import { catalogueOf, defineError, StackyardError } from './stackyardError.ts';

class HostSilentError extends defineError(
  'HOST_SILENT',
  'A host is silent',
  ({ host, seconds }: { host: string; seconds: number }) =>
    `Host ${host} has not reported for ${seconds} s. Check the agent service on ${host}, or remove the host.`,
) {}

test('an error has a code, a sentence, the ids as fields, and a cause', () => {
  const cause = new Error('ECONNRESET');
  const error = new HostSilentError({ host: 'zk3', seconds: 90 }, { cause });
  expect(error).toBeInstanceOf(StackyardError);
  expect(error).toBeInstanceOf(HostSilentError);
  expect(error).toMatchObject({
    name: 'HostSilentError',
    code: 'HOST_SILENT',
    message: 'Host zk3 has not reported for 90 s. Check the agent service on zk3, or remove the host.',
    fields: { host: 'zk3', seconds: 90 },
    cause,
  });
  expect(error.stack).toMatch(/^HostSilentError: Host zk3 has not reported/);
  expectTypeOf(error.fields.seconds).toEqualTypeOf<number>();
  // @ts-expect-error: the sentence needs the seconds
  void (() => new HostSilentError({ host: 'zk3' }));
});

test('the catalogue lists the codes of a module', () => {
  expect(catalogueOf({ HostSilentError, StackyardError, other: () => {} })).toEqual([
    { code: 'HOST_SILENT', title: 'A host is silent' },
  ]);
});

test('two classes cannot share a code', () => {
  class Other extends defineError('HOST_SILENT', 'Another', () => '') {}
  expect(() => catalogueOf({ HostSilentError }, { Other })).toThrow('Two error classes have the code HOST_SILENT.');
});

test('every code of the kernel starts with its name', () => {
  const codes = catalogueOf(kernelErrors).map(({ code }) => code);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !/^KERNEL_[A-Z_]+$/.test(code))).toEqual([]);
});
