import type { PropertyManifest } from '../manifest/config.ts';
import type { Json } from '../manifest/expression.ts';
import { checkValue } from '../render/check.ts';

const TEXTS = ['example', 'a', 'A', '1', '10', 'a1', 'example.test', 'example@EXAMPLE.TEST', '/example', 'a=b', 'a:1'];
const NUMBERS = [1, 10, 100, 1024, 10_000, 0];

const OF_TYPE: Readonly<Record<PropertyManifest['type'], readonly Json[]>> = {
  int: NUMBERS,
  float: NUMBERS,
  bool: [true],
  text: TEXTS,
  enum: [],
  port: [10_000],
  dir: ['/var/lib/example'],
  dirs: [['/var/lib/example']],
  file: ['/etc/example'],
  url: ['http://example.test:80/'],
  hosts: [['example.test']],
  memory: NUMBERS,
  duration: NUMBERS,
  list: TEXTS.map((text) => [text]),
  map: [{}],
  secret: TEXTS,
};

/** A value that an operator could give; undefined where none is found, as for a pattern that nothing here matches. */
export function sampleOf(property: PropertyManifest): Json | undefined {
  const { min, max, advise, values = [] } = property;
  const own = [advise?.min, min, advise?.max, max].filter((each) => each !== undefined);
  return [...own, ...values, ...OF_TYPE[property.type]].find((value) => !checkValue(property, value));
}
