/** What stands in the outbox, an event a row: its id, topic, cluster_id, payload, and time. To be read from by a statement. */
export const outbox = `(select first_id + place - 1 as id, topic, cluster_id, coalesce(common::jsonb, '{}') || payload::jsonb as payload, at from event_run,
  json_array_elements(payloads) with ordinality as said(payload, place)) as event`;
