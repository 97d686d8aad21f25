import { createHash } from 'node:crypto';
import { type Coordinate, parseCoordinate } from './coordinates.ts';
import { PackageDescriptorError, PackageOriginError } from './errors.ts';

export type Arch = 'x64' | 'arm64';
/** Where a stored package came from. */
export type Origin = 'url' | 'maven' | 'pypi';
/** `auto` takes the first that can be reached; `maven` only what registries of packages have, Python's included. */
export type OriginChoice = 'auto' | 'url' | 'maven';

export interface UrlSource {
  readonly url: string;
  /** Hex, as the project publishes it. */
  readonly sha512: string;
  /** Absent: right for every architecture. */
  readonly arch?: Arch | undefined;
}

export interface MavenSource {
  /** `g:a:v`, imported as pom: gives the versions that `artifacts` leave out. */
  readonly bom?: string | undefined;
  /** Jars with their runtime closure (`g:a[:v]`), or one ready archive (`g:a:ext[:classifier]:v`). */
  readonly artifacts?: readonly string[] | undefined;
  /** A ready archive, `g:a:ext[:classifier]:v`; nothing else stands beside it. */
  readonly archive?: string | undefined;
  /** `g:a`, left out of every closure. */
  readonly exclusions?: readonly string[] | undefined;
}

/** A folder inside a wheel of the index of Python packages, by processor. */
export interface PypiSource {
  readonly project: string;
  /** Absent: all of the wheel. */
  readonly folder?: string | undefined;
  readonly wheels: readonly WheelSource[];
}

export interface WheelSource {
  /** Its name says the version and what it is for. */
  readonly file: string;
  readonly sha512: string;
  /** Absent: right for every architecture. */
  readonly arch?: Arch | undefined;
}

/** A product's archive: what it is called, where it comes from, what it must contain. */
export interface PackageDescriptor {
  readonly name: string;
  readonly version: string;
  readonly origins: {
    readonly url?: readonly UrlSource[] | undefined;
    readonly maven?: MavenSource | undefined;
    readonly pypi?: PypiSource | undefined;
  };
  /** Folder inside the archive that becomes the package; absent: a single top folder is stripped; `.`: nothing is. */
  readonly root?: string | undefined;
  /**
   * `sha256-…` of the content list. It pins what Maven resolves; an url is pinned by its sha512, so it is compared with
   * an url's content only when the package has no maven origin (the two archives never have the same files).
   */
  readonly digest?: string | undefined;
}

/** One way to get a package, in the order in which they are tried. */
export type Way =
  | { readonly origin: 'url'; readonly key: string; readonly sources: readonly UrlSource[] }
  | { readonly origin: 'maven'; readonly key: string; readonly source: CheckedMaven }
  | { readonly origin: 'pypi'; readonly key: string; readonly source: CheckedWheel };

export interface CheckedWheel {
  readonly project: string;
  readonly folder: string;
  readonly wheel: WheelSource;
}

export interface CheckedMaven {
  readonly bom?: Coordinate;
  readonly jars: readonly Coordinate[];
  readonly exclusions: readonly Coordinate[];
  readonly archive?: Coordinate;
}

const name = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
const root = /^(\.|[\w.@+-]+(\/[\w.@+-]+)*)$/;
const archives = new Set(['tar.gz', 'tgz']);

/**
 * The ways to get a package on a host of this architecture, most preferred first. The key of a way changes with
 * everything that decides the archive, so an edited descriptor is never answered with an older archive.
 *
 * @throws PackageDescriptorError, PackageOriginError
 */
export function waysTo(descriptor: PackageDescriptor, { origin, arch }: { origin: OriginChoice; arch: string }): Way[] {
  const label = nameOf(descriptor);
  const refuse = (reason: string): never => {
    throw new PackageDescriptorError({ package: label, reason });
  };
  if (!name.test(descriptor.name) || !name.test(descriptor.version)) refuse('its name or version has a bad character');
  if (descriptor.root !== undefined && (!root.test(descriptor.root) || descriptor.root.split('/').includes('..')))
    refuse(`its root "${descriptor.root}" is no relative folder`);
  if (descriptor.digest !== undefined && !/^sha256-[0-9a-f]{64}$/.test(descriptor.digest))
    refuse(`its digest "${descriptor.digest}" is not of the form sha256-<64 hex digits>`);

  const { url, maven, pypi } = descriptor.origins;
  const ways: Way[] = [];
  const sources = url?.filter((source) => source.arch === undefined || source.arch === arch) ?? [];
  for (const source of sources) checkUrl(source, refuse);
  if (sources.length > 0 && origin !== 'maven')
    ways.push({
      origin: 'url',
      sources,
      key: keyOf(descriptor, 'url', { sha512: sources.map((each) => each.sha512) }),
    });
  if (maven && origin !== 'url') {
    const source = checkMaven(maven, refuse);
    ways.push({ origin: 'maven', source, key: keyOf(descriptor, 'maven', source) });
  }
  const wheel = pypi?.wheels.find((each) => each.arch === undefined || each.arch === arch);
  if (pypi && wheel && origin !== 'url') {
    const source = checkWheel(pypi, wheel, refuse);
    ways.push({ origin: 'pypi', source, key: keyOf(descriptor, 'pypi', source) });
  }
  if (ways.length === 0) throw new PackageOriginError({ package: label, origin, arch });
  return ways;
}

/** How sentences name a package: "zookeeper 3.9.4". */
export function nameOf(descriptor: { readonly name: string; readonly version: string }): string {
  return `${descriptor.name} ${descriptor.version}`;
}

/** The content digest that this origin has to give, if the descriptor pins one. */
export function pinOf(descriptor: PackageDescriptor, origin: Origin): string | undefined {
  const resolved = descriptor.origins.maven ? 'maven' : 'pypi';
  return origin === resolved || !descriptor.origins[resolved] ? descriptor.digest : undefined;
}

function checkUrl({ url, sha512 }: UrlSource, refuse: (reason: string) => never): void {
  if (!/^[0-9a-f]{128}$/.test(sha512)) refuse(`the sha512 of ${url} is not 128 hex digits`);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) refuse(`"${url}" is no http or https address`);
}

const project = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;
/** name-version[-build]-python-abi-platform.whl; nothing in it is anything else to a shell or to pip. */
const wheelName = /^[A-Za-z0-9_.]+-[A-Za-z0-9_.!+]+(-\d[A-Za-z0-9_.]*)?-[a-z0-9_.]+-[a-z0-9_.]+-[a-z0-9_.]+\.whl$/;

function checkWheel(source: PypiSource, wheel: WheelSource, refuse: (reason: string) => never): CheckedWheel {
  const { project: name, folder = '.' } = source;
  if (!project.test(name)) refuse(`"${name}" is no name of a Python project`);
  if (!root.test(folder) || folder.split('/').includes('..')) refuse(`the folder "${folder}" is no relative folder`);
  if (!wheelName.test(wheel.file)) refuse(`"${wheel.file}" is no name of a wheel`);
  if (!/^[0-9a-f]{128}$/.test(wheel.sha512)) refuse(`the sha512 of ${wheel.file} is not 128 hex digits`);
  return { project: name, folder, wheel };
}

function checkMaven(source: MavenSource, refuse: (reason: string) => never): CheckedMaven {
  const read = (text: string): Coordinate => {
    try {
      return parseCoordinate(text);
    } catch (error) {
      return refuse((error as Error).message);
    }
  };
  const artifacts = (source.artifacts ?? []).map(read);
  const ready = [
    ...(source.archive === undefined ? [] : [read(source.archive)]),
    ...artifacts.filter(({ extension }) => extension !== 'jar'),
  ];
  const [archive] = ready;
  if (archive) {
    if (ready.length + artifacts.length > (source.archive === undefined ? 2 : 1))
      refuse('a ready archive stands alone, without other artifacts');
    if (!archives.has(archive.extension) || archive.version === undefined)
      refuse('a ready archive is written group:artifact:tar.gz[:classifier]:version');
    return { archive, jars: [], exclusions: [] };
  }
  if (artifacts.length === 0) refuse('its maven origin names no artifact');
  const bom = source.bom === undefined ? undefined : read(source.bom);
  if (bom && bom.version === undefined) refuse(`its bom "${source.bom}" has no version`);
  const bare = artifacts.find(({ version }) => version === undefined);
  if (!bom && bare) refuse(`${bare.group}:${bare.artifact} has no version and there is no bom to give one`);
  return { ...(bom && { bom }), jars: artifacts, exclusions: (source.exclusions ?? []).map(read) };
}

function keyOf(descriptor: PackageDescriptor, origin: Origin, source: unknown): string {
  const { name, version, root = null } = descriptor;
  const decisive = JSON.stringify([name, version, root, origin, pinOf(descriptor, origin) ?? null, source]);
  return createHash('sha256').update(decisive).digest('hex');
}
