import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readIdentity } from '../identity/identity.ts';
import { TestAuthority, TestEnrolment } from '../identity/testAuthority.ts';
import { EXIT_CODES } from './errors.ts';
import { install, installMain, installOptions, type InstallOptions } from './install.ts';
import { checkClock, parseEndpoint } from './reach.ts';

let dir: string;
let enrolment: TestEnrolment;
let port: Server;
let options: InstallOptions;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-install-'));
  enrolment = new TestEnrolment(await TestAuthority.make());
  await enrolment.start();
  port = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(port, 'listening');
  await writeFile(join(dir, 'ca.pem'), enrolment.authority.pem);
  await mkdir(join(dir, 'base'));
  options = {
    base: join(dir, 'base'),
    server: `127.0.0.1:${(port.address() as AddressInfo).port}`,
    enrol: enrolment.address,
    ca: join(dir, 'ca.pem'),
    caSha256: enrolment.authority.sha256,
    name: 'zk1',
    root: join(dir, 'root'),
    address: '10.0.0.7',
    local: false,
  };
});
afterEach(async () => {
  enrolment.stop();
  port.close();
  await rm(dir, { recursive: true, force: true });
});

describe('an installation', () => {
  test('joins and writes what the launcher starts the agent with, and no token', async () => {
    expect(await install(options, 'good-token')).toBe('The server has let zk1 join.');
    expect(await readIdentity(options.root)).toMatchObject({ server: options.server, enrolment: options.enrol });
    const args = await readFile(join(options.base, 'agent.args'), 'utf8');
    expect(args).toBe(`--root\n${options.root}\n--name\nzk1\n--address\n10.0.0.7\n`);
  });

  test('keeps who the host is when the token was used before, and takes the new way to the server', async () => {
    await install(options, 'good-token');
    const before = await readIdentity(options.root);
    const moved = { ...options, server: options.server.replace('127.0.0.1', 'localhost') };
    expect(await install(moved, 'used-token')).toContain('has joined before');
    expect(await readIdentity(options.root)).toEqual({ ...before, server: moved.server });
  });

  test('refuses to take a host from another server', async () => {
    await install(options, 'good-token');
    const other = { ...options, caSha256: '0'.repeat(64) };
    await expect(install(other, 'good-token')).rejects.toMatchObject({ code: 'OTHER_AGENT' });
  });

  test('says that the way to the agents port is not open, before the token is used', async () => {
    await expect(install({ ...options, server: '127.0.0.1:1' }, 'good-token')).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('the port that agents dial at 127.0.0.1:1 (ECONNREFUSED)'),
    });
    expect(enrolment.requests).toEqual([]);
  });

  test('is told why the server refuses it, and what to do, once', async () => {
    await expect(install(options, 'wrong')).rejects.toThrow(
      `The server ${options.enrol} did not let this host join: The token is not known. Ask for a new join token.`,
    );
  });

  test('ends with the code of what stood in the way', async () => {
    const argv = Object.entries({ ...options, 'ca-sha256': options.caSha256 })
      .filter(([name]) => name !== 'local' && name !== 'caSha256')
      .flatMap(([name, value]) => [`--${name}`, String(value)]);
    expect(await installMain(argv, { STACKYARD_JOIN_TOKEN: 'wrong' })).toBe(EXIT_CODES.JOIN_REFUSED);
    expect(await installMain(argv, { STACKYARD_JOIN_TOKEN: 'good-token' })).toBe(0);
    expect(await installMain(['--name', 'zk1'], {})).toBe(EXIT_CODES.USAGE);
    expect(() => installOptions([...argv, '--name', 'a\nb'])).toThrow('--name is missing or not a line');
  });
});

describe('the clock of a host', () => {
  test.each([
    ['ahead of', 3_600_000],
    ['behind', -3_600_000],
  ])('that is an hour %s that of the server is told', async (words, offMs) => {
    const now = (): number => Date.now() + offMs;
    await expect(checkClock(enrolment.address, enrolment.authority.pem, now)).rejects.toMatchObject({
      code: 'CLOCK',
      message: expect.stringContaining(`60 minutes ${words} the server's`),
    });
  });

  test('that is a little off is taken', async () => {
    await expect(checkClock(enrolment.address, enrolment.authority.pem, () => Date.now() + 60_000)).resolves.toBe(
      undefined,
    );
  });
});

test.each([
  ['10.0.0.5:7071', { host: '10.0.0.5', port: 7071 }],
  ['server.example.org:1', { host: 'server.example.org', port: 1 }],
  ['[fd00::5]:7071', { host: 'fd00::5', port: 7071 }],
  ['10.0.0.5', undefined],
  ['10.0.0.5:0', undefined],
  ['10.0.0.5:70000', undefined],
  ['fd00::5:7071', undefined],
  ['a b:1', undefined],
  ['-a:1', undefined],
])('%s is understood as %j', (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
});
