/** Whole trees that belong to the system or to the platform: no service keeps data in them. */
const TREES = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt/stackyard',
  '/proc',
  '/sbin',
  '/sys',
  '/usr',
  '/var/lib/apt',
  '/var/lib/dpkg',
  '/var/lib/rpm',
  '/var/lib/stackyard',
  '/var/lib/systemd',
  '/var/log/stackyard',
];

/** Directories that many share: what lies below them may be a service's own, they themselves never are. */
const SHARED = /^\/$|^\/(?:home|media|mnt|opt|root|run|srv|tmp|var)$|^\/home\/[^/]+$|^\/var\/[^/]+$/;

/**
 * Why a service must not have this directory as its own, or undefined when it may: what is a service's own gets its
 * user as owner, and is deleted as a whole when its data is to go. The path is absolute, as seen from its host's root.
 */
export function systemDirectory(path: string): string | undefined {
  const plain = `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
  const tree = TREES.find((each) => plain === each || plain.startsWith(`${each}/`));
  if (tree !== undefined) return `${plain === tree ? 'it' : `it lies in ${tree}, which`} belongs to the system`;
  if (!SHARED.test(plain)) return undefined;
  return "others use it too; name a directory below it that is the service's own";
}
