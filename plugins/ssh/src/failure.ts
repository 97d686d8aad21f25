/** Why a host could not be brought in. */
export const FAILURES = [
  'UNREACHABLE',
  'HOST_KEY_UNCONFIRMED',
  'HOST_KEY_CHANGED',
  'AUTHENTICATION',
  'PROTOCOL',
  'NOT_ROOT',
  'SUDO_PASSWORD',
  'TOOLS_MISSING',
  'ARCHITECTURE',
  'BUNDLE_UNAVAILABLE',
  'NO_SPACE',
  'COPY',
  'SERVER_UNREACHABLE',
  'CLOCK',
  'NOT_RUNNABLE',
  'JOIN_REFUSED',
  'OTHER_AGENT',
  'NAME_TAKEN',
  'NOT_STARTED',
  'NOT_CONNECTED',
  'DISCONNECTED',
  'SERVER_RESTARTED',
  'INTERNAL',
] as const;
export type FailureCode = (typeof FAILURES)[number];

/** What stood in the way on one host: a code for programs and a sentence that says what to do. */
export class HostFailure extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The exit codes of the join script. */
const scriptCodes: Readonly<Record<number, FailureCode>> = {
  70: 'NOT_ROOT',
  71: 'TOOLS_MISSING',
  72: 'ARCHITECTURE',
  73: 'NO_SPACE',
  74: 'SERVER_UNREACHABLE',
  75: 'CLOCK',
  76: 'COPY',
  77: 'NOT_RUNNABLE',
  78: 'JOIN_REFUSED',
  79: 'OTHER_AGENT',
  80: 'NOT_STARTED',
};

/** What the join script said when it ended with this code. */
export function scriptFailure(code: number, stderr: string): HostFailure {
  const said = stderr
    .split('\n')
    .map((line) => line.replace(/^stackyard: /, '').trim())
    .filter((line) => line !== '');
  return new HostFailure(scriptCodes[code] ?? 'INTERNAL', said.at(-1) ?? `The join script ended with code ${code}.`);
}
