import { defineError } from '@stackyard/kernel';

type Named = { readonly package: string };

export class PackageDescriptorError extends defineError(
  'PACKAGE_DESCRIPTOR',
  'A package descriptor is not usable',
  ({ package: name, reason }: Named & { reason: string }) =>
    `The descriptor of package ${name} is not usable: ${reason}. Correct it in the stack that declares the package.`,
) {}

export class PackageOriginError extends defineError(
  'PACKAGE_ORIGIN',
  'A package has no origin of the configured kind',
  ({ package: name, origin, arch }: Named & { origin: string; arch: string }) =>
    `Package ${name} declares nothing for the package origin "${origin}" and the processor ${arch}. ` +
    `Set the origin to "auto", or add it to the package in its stack.`,
) {}

/** No connection could be made at all: `auto` takes the other origin at once. */
export class PackageUnreachableError extends defineError(
  'PACKAGE_UNREACHABLE',
  'The origin of a package cannot be reached',
  ({ package: name, url, reason }: Named & { url: string; reason: string }) =>
    `Package ${name} cannot be fetched: there is no way to ${url} (${reason}). ` +
    `Check the network and proxy of the server, or set the package origin to "maven".`,
) {}

export class PackageAnswerError extends defineError(
  'PACKAGE_ANSWER',
  'The origin of a package answered with something else',
  ({ package: name, url, answer }: Named & { url: string; answer: string }) =>
    `Package ${name} cannot be fetched: ${url} ${answer}. Check whether the version still exists there.`,
) {}

export class PackageDownloadError extends defineError(
  'PACKAGE_DOWNLOAD',
  'The download of a package broke off again and again',
  ({ package: name, url, bytes, reason }: Named & { url: string; bytes: number; reason: string }) =>
    `The download of package ${name} from ${url} broke off again and again (${reason}). ` +
    `${bytes} bytes are kept; try again and it goes on from there.`,
) {}

export class PackageChecksumError extends defineError(
  'PACKAGE_CHECKSUM',
  'A package has another checksum than its descriptor says',
  ({ package: name, url, expected, actual }: Named & { url: string; expected: string; actual: string }) =>
    `Package ${name} from ${url} is refused: its sha512 is ${actual}, expected is ${expected}. ` +
    `Compare with the checksum its project publishes.`,
) {}

export class PackagePinError extends defineError(
  'PACKAGE_PIN',
  'A package has another content than it is pinned to',
  ({ package: name, expected, actual }: Named & { expected: string; actual: string }) =>
    `Package ${name} is refused: its content list has the digest ${actual}, pinned is ${expected}. ` +
    `Find out which file changed before you change the pin.`,
) {}

export class PackageSizeError extends defineError(
  'PACKAGE_SIZE',
  'A package is larger than allowed',
  ({ package: name, limit, what }: Named & { limit: number; what: string }) =>
    `Package ${name} is refused: ${what} exceeds ${limit}. Raise the limit of the package repository if it is right.`,
) {}

export class PackageArchiveError extends defineError(
  'PACKAGE_ARCHIVE',
  'The archive of a package cannot be read',
  ({ package: name, reason, kind = 'a gzip-compressed tar archive' }: Named & { reason: string; kind?: string }) =>
    `The archive of package ${name} cannot be used: ${reason}. It must be ${kind}.`,
) {}

export class MavenMissingError extends defineError(
  'PACKAGE_MAVEN_MISSING',
  'Maven is not installed',
  ({ command }: { command: string }) =>
    `Packages come from Maven coordinates here, but the command "${command}" was not found. ` +
    `Install Maven and a JDK (Debian: "apt-get install maven"), or set the package origin to "url".`,
) {}

export class MavenCoordinateError extends defineError(
  'PACKAGE_MAVEN_COORDINATE',
  'A Maven coordinate cannot be resolved',
  ({ package: name, coordinates, reason }: Named & { coordinates: readonly string[]; reason: string }) =>
    `Package ${name} cannot be built: ${coordinates.join(', ')} ${reason}. ` +
    `Correct the coordinate in the stack, or check which repositories Maven's settings name.`,
) {}

export class MavenFailedError extends defineError(
  'PACKAGE_MAVEN_FAILED',
  'Maven failed',
  ({ package: name, exit, output }: Named & { exit: string; output: string }) =>
    `Package ${name} cannot be built: Maven ended with ${exit}. Its output says: ${output}`,
) {}

export class PipMissingError extends defineError(
  'PACKAGE_PIP_MISSING',
  'pip is not installed',
  ({ package: name, command }: Named & { command: string }) =>
    `Package ${name} comes out of a Python wheel here, but the command "${command}" was not found. ` +
    `Install pip on the server (Debian: "apt-get install python3-pip"), or name another origin for the package.`,
) {}

export class PipFailedError extends defineError(
  'PACKAGE_PIP_FAILED',
  'pip failed',
  ({ package: name, wheel, exit, output }: Named & { wheel: string; exit: string; output: string }) =>
    `Package ${name} cannot be built: pip did not bring ${wheel} and ended with ${exit}. Its output says: ${output}`,
) {}

export class PackageUnknownError extends defineError(
  'PACKAGE_UNKNOWN',
  'No such package is stored',
  ({ digest }: { digest: string }) =>
    `No package with the digest ${digest} is stored here. Plan the command again, so that the package is fetched.`,
) {}

export class PackageDamagedError extends defineError(
  'PACKAGE_DAMAGED',
  'A stored package was changed on disk',
  ({ package: name, path }: Named & { path: string }) =>
    `The stored archive of package ${name} at ${path} no longer has its digest and was removed. ` +
    `Run the command again, so that it is fetched anew; check the disk when this comes back.`,
) {}

export class PackageDiskFullError extends defineError(
  'PACKAGE_DISK_FULL',
  'The disk of the package repository is full',
  ({ package: name, dir }: Named & { dir: string }) =>
    `Package ${name} could not be stored: the disk that holds ${dir} is full. Free space there and try again.`,
) {}

/** Turns a full disk into its sentence; any other error stays what it is. */
export function namingFullDisk(error: unknown, fields: { package: string; dir: string }): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new PackageDiskFullError(fields, { cause: error }) : error;
}
