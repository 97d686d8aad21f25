/** The fleet was asked for something it cannot do. */
export class FleetError extends Error {
  readonly code = 'FLEET_MISUSED';
  override readonly name = 'FleetError';
}
