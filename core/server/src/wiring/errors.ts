import { defineError } from '@stackyard/kernel';

export class PortTakenError extends defineError(
  'PORT_TAKEN',
  'The port is taken',
  ({ host, port, purpose }: { host: string; port: number; purpose: string }) =>
    `Port ${port} on ${host} is taken, so ${purpose} cannot be offered there. Stop what listens on it, or choose another port.`,
) {}
