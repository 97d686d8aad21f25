import { randomUUID } from 'node:crypto';

const COUNTER_LOW_BITS = 14;

/**
 * Ids for the tasks of one job, in their order: UUIDs of version 7, so the time, a counter, and 48 random bits. What runs
 * together then stands together in the indexes of tasks and attempts, which every transition goes through.
 */
export function taskIds(count: number, nowMs = Date.now()): readonly string[] {
  const time = hex(nowMs, 12);
  return Array.from({ length: count }, (_, node) => {
    const high = hex(node >>> COUNTER_LOW_BITS, 3);
    const low = hex(0x8000 | (node & ((1 << COUNTER_LOW_BITS) - 1)), 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}-${randomUUID().slice(24)}`;
  });
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
