import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { Agents } from '@stackyard/proto';
import { Client } from 'pg';

/**
 * What a task with one message each way and one durable row would take at least: a round trip on a gRPC stream, then a
 * commit. Milliseconds of each round.
 */
export async function pingPongAndCommit(
  { endpoint, databaseUrl }: { readonly endpoint: string; readonly databaseUrl: string },
  rounds: number,
): Promise<number[]> {
  const client = new Agents(endpoint, credentials.createInsecure());
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  const call = client.Control();
  // The end of the other side must not end this one.
  call.on('error', () => undefined);
  try {
    await database.query('create table if not exists bench_anchor (id int primary key, n int)');
    await database.query('insert into bench_anchor values (1, 0) on conflict do nothing');
    const times: number[] = [];
    for (let n = 1; n <= rounds; n++) {
      const begin = performance.now();
      const answered = once(call, 'data');
      call.write({ messages: [{ heartbeat: { n } }] });
      await answered;
      await database.query({ name: 'anchor', text: 'update bench_anchor set n = $1 where id = 1', values: [n] });
      times.push(performance.now() - begin);
    }
    return times;
  } finally {
    call.end();
    client.close();
    await database.query('drop table if exists bench_anchor');
    await database.end();
  }
}
