import type { Coordinate } from './coordinates.ts';
import type { CheckedMaven } from './descriptor.ts';

/** The pom whose runtime closure is the package. Coordinates were checked, so nothing in them needs escaping. */
export function pomOf({ bom, jars, exclusions }: CheckedMaven): string {
  const excluded = exclusions.map(
    ({ group, artifact }) => `<exclusion><groupId>${group}</groupId><artifactId>${artifact}</artifactId></exclusion>`,
  );
  const dependencies = jars.map((jar) =>
    dependency(jar, excluded.length > 0 ? `<exclusions>${excluded.join('')}</exclusions>` : ''),
  );
  const managed = bom
    ? `<dependencyManagement><dependencies>\n${dependency({ ...bom, extension: 'pom' }, '<scope>import</scope>')}\n` +
      `</dependencies></dependencyManagement>\n`
    : '';
  return (
    `<project xmlns="http://maven.apache.org/POM/4.0.0">\n<modelVersion>4.0.0</modelVersion>\n` +
    `<groupId>stackyard</groupId><artifactId>package</artifactId><version>1</version><packaging>pom</packaging>\n` +
    `${managed}<dependencies>\n${dependencies.join('\n')}\n</dependencies>\n</project>\n`
  );
}

function dependency({ group, artifact, version, extension, classifier }: Coordinate, more: string): string {
  return (
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
    (version === undefined ? '' : `<version>${version}</version>`) +
    (extension === 'jar' ? '' : `<type>${extension}</type>`) +
    (classifier === undefined ? '' : `<classifier>${classifier}</classifier>`) +
    `${more}</dependency>`
  );
}
