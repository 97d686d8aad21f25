import { expect, test } from 'vitest';
import { parseCoordinate } from './coordinates.ts';
import { pomOf } from './pom.ts';

test('the pom imports the bom, leaves out versions that it gives, and excludes everywhere', () => {
  const pom = pomOf({
    bom: parseCoordinate('org.apache.zookeeper:parent:3.9.4'),
    jars: ['org.apache.zookeeper:zookeeper:3.9.4', 'commons-cli:commons-cli', 'g:a:jar:linux:1'].map(parseCoordinate),
    exclusions: [parseCoordinate('log4j:log4j')],
  });
  expect(pom).toMatchInlineSnapshot(`
    "<project xmlns="http://maven.apache.org/POM/4.0.0">
    <modelVersion>4.0.0</modelVersion>
    <groupId>stackyard</groupId><artifactId>package</artifactId><version>1</version><packaging>pom</packaging>
    <dependencyManagement><dependencies>
    <dependency><groupId>org.apache.zookeeper</groupId><artifactId>parent</artifactId><version>3.9.4</version><type>pom</type><scope>import</scope></dependency>
    </dependencies></dependencyManagement>
    <dependencies>
    <dependency><groupId>org.apache.zookeeper</groupId><artifactId>zookeeper</artifactId><version>3.9.4</version><exclusions><exclusion><groupId>log4j</groupId><artifactId>log4j</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>commons-cli</groupId><artifactId>commons-cli</artifactId><exclusions><exclusion><groupId>log4j</groupId><artifactId>log4j</artifactId></exclusion></exclusions></dependency>
    <dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version><classifier>linux</classifier><exclusions><exclusion><groupId>log4j</groupId><artifactId>log4j</artifactId></exclusion></exclusions></dependency>
    </dependencies>
    </project>
    "
  `);
});
