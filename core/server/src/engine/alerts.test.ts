import { expect, test } from 'vitest';
import { Alerts } from './alerts.ts';

test('an agent that breaks the protocol without end cannot fill the log, and others are still heard of', () => {
  const said: { hostId?: string; omitted?: number }[] = [];
  let nowMs = 0;
  const log = { error: (fields: object) => void said.push(fields) } as unknown as ConstructorParameters<
    typeof Alerts
  >[0]['log'];
  const alerts = new Alerts({ log, clock: { monotonicMs: () => nowMs } });
  for (let n = 0; n < 1000; n += 1) alerts.tell('bad', 'odd', `${n}/1`);
  expect(said.length).toBe(20);
  alerts.tell('other', 'odd', undefined);
  expect(said.at(-1)?.hostId).toBe('other');
  nowMs = 60_000;
  alerts.tell('bad', 'odd', undefined);
  expect(said.slice(-2)).toMatchObject([{ hostId: 'bad', omitted: 980 }, { hostId: 'bad' }]);
});
