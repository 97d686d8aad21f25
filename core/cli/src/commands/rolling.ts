import type { Command } from 'commander';
import type { CommandRequest } from '../api/types.ts';
import { UsageError } from '../errors.ts';
import { collect } from './parts.ts';

export interface RollingOptions {
  readonly rolling?: boolean;
  readonly batch?: string;
  readonly pauseAfterFirst?: boolean;
  readonly tolerate?: string;
  readonly first?: string[];
}

type Rolling = NonNullable<Extract<CommandRequest, { command: 'restart' }>['rolling']>;

/** What a verb takes that works on host components in turns. */
export function withRolling(command: Command): Command {
  return command
    .option('--rolling', 'one after the other, also where the definition does not ask for it')
    .option('--batch <size>', 'in turns of so many at once: a number, or a share such as 25%')
    .option('--pause-after-first', 'wait after the first batch until "stackyard job resume"')
    .option('--tolerate <count>', 'go on although so many of a component failed')
    .option('--first <host>', 'this host goes first; may be repeated', collect);
}

/** What was said of turns; nothing where nothing was. @throws UsageError */
export function rollingOf(options: RollingOptions): { rolling?: Rolling } {
  const { rolling, batch, pauseAfterFirst, tolerate, first } = options;
  if ([rolling, batch, pauseAfterFirst, tolerate, first].every((each) => each === undefined)) return {};
  return {
    rolling: {
      ...(batch === undefined ? {} : { batch: sizeOf(batch) }),
      ...(pauseAfterFirst ? { pauseAfterFirst } : {}),
      ...(tolerate === undefined ? {} : { tolerate: countOf(tolerate, '--tolerate') }),
      ...(first ? { order: first } : {}),
    },
  };
}

function sizeOf(text: string): number | string {
  if (/^([1-9]|[1-9][0-9]|100)%$/.test(text)) return text;
  const size = countOf(text, '--batch');
  if (size === 0) throw new UsageError('--batch 0 would never begin. Use 1 or more, or a share such as 25%.');
  return size;
}

function countOf(text: string, option: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new UsageError(`${option} ${text} is no number. Use a whole number such as 2.`);
  return Number(text);
}
