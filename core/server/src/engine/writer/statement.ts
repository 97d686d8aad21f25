import type { Statement } from '../ports.ts';
import type { AttemptWrite } from './changes.ts';
import type { Batch, NumberedEvent } from './events.ts';
import { insertRuns, leavingServices, type PartName, parts, runRecords } from './parts.ts';
import type { Value } from './rows.ts';
import { runsOf } from './runs.ts';

/**
 * No row of this epoch, no write; nor where this commit, or a later one, has happened: a statement whose answer was lost
 * may still be under way in the database while it is tried again.
 */
const fence = `fence as (
  update installation set commit_no = $2 where id = 1 and epoch = $1 and commit_no < $2 returning 1)`;
/** The parameters before those of the parts: epoch and commit number. */
const OWN = 2;

const order = Object.keys(parts) as PartName[];
const texts = new Map<number, string>();

/**
 * One statement, so one round trip and one sync of the disk: the fence and a part for
 * each kind of row that is there. Named after its parts, so that the database prepares each form once.
 */
export function statementFor(batch: Batch): {
  name: string;
  text: string;
  values: readonly Value[];
} {
  const rows = split(batch);
  const present = order.filter((part) => rows[part].length > 0);
  const mask = present.reduce((bits, part) => bits | (1 << order.indexOf(part)), 0);
  let text = texts.get(mask);
  if (text === undefined) {
    text = compose(present);
    texts.set(mask, text);
  }
  return { name: `writer-${mask}`, text, values: present.flatMap((part) => parts[part].rows.values(rows[part])) };
}

function split({ attempts, events, ...others }: Batch): Readonly<Record<PartName, readonly object[]>> {
  const [sent, stepped, whole]: [AttemptWrite[], AttemptWrite[], AttemptWrite[]] = [[], [], []];
  for (const attempt of attempts) {
    // Later ones may have been made by a change of this very batch.
    if (attempt.number > 1 || attempt.state === 'PENDING') whole.push(attempt);
    else if (attempt.state === 'RUNNING' && attempt.dispatch === 'SENT') sent.push(attempt);
    else stepped.push(attempt);
  }
  return { ...others, events: runsOf(events), sent, stepped, attempts: whole };
}

function compose(present: readonly PartName[]): string {
  const ctes = [fence];
  let parameter = OWN + 1;
  for (const part of present) {
    const { rows, text } = parts[part];
    const from = rows.from(parameter);
    ctes.push(`${part} as (${text(from)})`);
    if (part === 'removed') ctes.push(...leavingServices(from));
    parameter += rows.width;
  }
  const counted = present.filter((part) => part === 'sent' || part === 'stepped' || part === 'attempts');
  const changed = ['0', ...counted.map((part) => `(select count(*) from ${part})`)].join(' + ');
  return `with ${ctes.join(',\n')}\nselect (select count(*) from fence) as fenced, ${changed} as attempts`;
}

/** Events as the statements and transactions of others take them. */
export function eventsOf(events: readonly NumberedEvent[]): readonly Value[] {
  return runRecords.values(runsOf(events));
}

/** Events at the end of a transaction of others, by the ORM's placeholders: commit number, epoch, commit number, events. */
export const appendText = `with fence as (update installation set commit_no = ? where id = 1 and epoch = ? and commit_no < ? returning 1),
said as (${insertRuns(runRecords.from(1)).replaceAll('$1', '?')})
select 1 from fence`;

/** The common table expressions of a statement from outside, between the fence and its events. */
export function guarded({ text, answer = `'true'::json` }: Statement): string {
  return `with ${fence},
${text},
said as (${insertRuns(`${runRecords.from(OWN + 1)}, go`)})
select (select count(*) from fence) as fenced, (select ${answer} from go) as answer`;
}
