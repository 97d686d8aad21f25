/** A Maven coordinate as a descriptor writes it. */
export interface Coordinate {
  readonly group: string;
  readonly artifact: string;
  readonly version?: string;
  readonly extension: string;
  readonly classifier?: string;
}

/** What a descriptor may say; everything else never reaches the generated pom or an argument of Maven. */
const part = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** What moves: the same descriptor has to give the same package next month. */
const moving = /^(LATEST|RELEASE)$|-SNAPSHOT$/i;

/**
 * Reads `g:a`, `g:a:v`, `g:a:ext:v` and `g:a:ext:classifier:v`.
 *
 * @throws Error with the reason, to be completed by the name of the package.
 */
export function parseCoordinate(text: string): Coordinate {
  const parts = text.split(':');
  if (parts.length < 2 || parts.length > 5 || !parts.every((each) => part.test(each)))
    throw new Error(`"${text}" is no Maven coordinate (group:artifact[:extension[:classifier]][:version])`);
  const [group = '', artifact = ''] = parts;
  const version = parts.length > 2 ? parts.at(-1) : undefined;
  if (version !== undefined && moving.test(version))
    throw new Error(`"${text}" names a version that moves; pin one that stays`);
  return {
    group,
    artifact,
    extension: parts.length > 3 ? (parts[2] ?? 'jar') : 'jar',
    ...(version !== undefined && { version }),
    ...(parts.length === 5 && parts[3] !== undefined && { classifier: parts[3] }),
  };
}

/** The coordinate in the order people write it: `group:artifact[:extension[:classifier]]:version`. */
export function formatCoordinate({ group, artifact, extension, classifier, version }: Coordinate): string {
  const kind = classifier === undefined ? (extension === 'jar' ? [] : [extension]) : [extension, classifier];
  return [group, artifact, ...kind, ...(version === undefined ? [] : [version])].join(':');
}

/**
 * The coordinate of a file in Maven's repository layout, such as `ch/qos/logback/logback-core/1.3.15/logback-core-1.3.15.jar`;
 * undefined for Maven's own bookkeeping files.
 */
export function coordinateOfPath(path: string): Coordinate | undefined {
  const segments = path.split('/');
  const [artifact, version, file] = segments.slice(-3);
  if (segments.length < 4 || artifact === undefined || version === undefined || file === undefined) return undefined;
  const stem = `${artifact}-${version}`;
  if (!file.startsWith(stem)) return undefined;
  const rest = /^(?:-(?<classifier>[^/]+?))?\.(?<extension>tar\.gz|[A-Za-z0-9]+)$/.exec(file.slice(stem.length));
  if (!rest?.groups) return undefined;
  const { classifier, extension = 'jar' } = rest.groups;
  const group = segments.slice(0, -3).join('.');
  return { group, artifact, version, extension, ...(classifier !== undefined && { classifier }) };
}
