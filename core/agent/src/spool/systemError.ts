/** What the system refused, by its code; each with what an operator does about it. */
const whys: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied. Give the user that it is done as access to it',
  EPERM: 'this is not permitted. Give the user that it is done as the right to it',
  EROFS: 'its file system is read-only. Mount it writable or choose another path',
  ENOSPC: 'the disk is full. Make room there',
  EDQUOT: 'the quota is used up. Make room there',
  EIO: 'the disk answers with an error. See the log of the kernel',
  ENOTDIR: 'a part of its path is no directory. Choose another path or move away what is there',
  EISDIR: 'it is a directory. Choose another path or move away what is there',
  EEXIST: 'it exists already. Choose another path or move away what is there',
  ENOENT: 'it does not exist. Bring it back',
  EMFILE: 'too many files are open. Raise the limit of open files',
};

const acts: Readonly<Record<string, string>> = {
  mkdir: 'made',
  open: 'opened',
  write: 'written',
  fsync: 'written',
  rename: 'moved',
  unlink: 'removed',
  rmdir: 'removed',
  rm: 'removed',
  chown: 'given to its user',
  chmod: 'given its mode',
  scandir: 'listed',
  opendir: 'listed',
};

/** The sentence for an error of the operating system about a path; of any other error its own message. */
export function sentenceOf(error: unknown): string {
  const { message, code, path, syscall } = error as Partial<NodeJS.ErrnoException>;
  const why = code === undefined ? undefined : whys[code];
  if (why === undefined || path === undefined || !message?.startsWith(`${code}:`))
    return typeof message === 'string' ? message : String(error);
  return `${path} cannot be ${acts[syscall ?? ''] ?? 'used'}: ${why}, then retry the task. (${code})`;
}
