import { expect, test } from 'vitest';
import { coordinateOfPath, formatCoordinate, parseCoordinate } from './coordinates.ts';

test.each([
  ['org.slf4j:slf4j-api', { group: 'org.slf4j', artifact: 'slf4j-api', extension: 'jar' }],
  ['commons-cli:commons-cli:1.5.0', { version: '1.5.0', extension: 'jar' }],
  ['org.apache.tomcat:tomcat:tar.gz:11.0.24', { extension: 'tar.gz', version: '11.0.24' }],
  [
    'org.apache.activemq:apache-activemq:tar.gz:bin:5.18.3',
    { extension: 'tar.gz', classifier: 'bin', version: '5.18.3' },
  ],
])('%s is read and written back', (text, parts) => {
  const coordinate = parseCoordinate(text);
  expect(coordinate).toMatchObject(parts);
  expect(formatCoordinate(coordinate)).toBe(text);
});

test.each([
  ['zookeeper', 'is no Maven coordinate'],
  ['a:b:c:d:e:f', 'is no Maven coordinate'],
  ['g:a:1.0</version><x>', 'is no Maven coordinate'],
  ['g:a:-Dexec=1', 'is no Maven coordinate'],
  ['g:a:[1.0,2.0)', 'is no Maven coordinate'],
  ['g:a:', 'is no Maven coordinate'],
  ['g:a:LATEST', 'names a version that moves'],
  ['g:a:1.0-SNAPSHOT', 'names a version that moves'],
])('%s is refused', (text, reason) => {
  expect(() => parseCoordinate(text)).toThrow(reason);
});

test.each([
  ['ch/qos/logback/logback-core/1.3.15/logback-core-1.3.15.jar', 'ch.qos.logback:logback-core:1.3.15'],
  ['jline/jline/2.14.6/jline-2.14.6.jar', 'jline:jline:2.14.6'],
  ['io/netty/epoll/4.1/epoll-4.1-linux-x86_64.jar', 'io.netty:epoll:jar:linux-x86_64:4.1'],
  ['g/a/1/a-1-bin.tar.gz', 'g:a:tar.gz:bin:1'],
  ['ch/qos/logback/logback-core/1.3.15/_remote.repositories', undefined],
  ['ch/qos/logback/logback-core/maven-metadata-local.xml', undefined],
])('the repository path %s gives its coordinate', (path, expected) => {
  const coordinate = coordinateOfPath(path);
  expect(coordinate && formatCoordinate(coordinate)).toBe(expected);
});
