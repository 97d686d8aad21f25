import { createConnection } from 'node:net';

/** Sends commands to a Redis over one TCP connection and answers the first line of each reply, a value without its length. */
export function redis(address: string, ...commands: readonly string[]): Promise<string[]> {
  const socket = createConnection({ host: address, port: 6379 });
  let said = '';
  return new Promise<string[]>((resolve, reject) => {
    socket.setTimeout(5_000, () => socket.destroy(new Error(`The Redis at ${address} does not answer.`)));
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    socket.once('error', reject);
    socket.once('close', () => resolve(linesOf(said)));
    socket.end([...commands, 'QUIT', ''].join('\r\n'));
  });
}

/** `+OK` of QUIT comes last and is left out. */
function linesOf(said: string): string[] {
  const lines = said.split('\r\n').filter((line) => !/^(\$\d+|\*\d+|)$/.test(line));
  return lines.slice(0, -1);
}
