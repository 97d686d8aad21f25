import { expectTypeOf, test } from 'vitest';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import { definePlugin, type PluginContext, type Registrar } from './plugin.ts';
import { provide } from './provide.ts';
import { type Carried, each, type Token, token } from './token.ts';

// The compiler is the test here: a line below `@ts-expect-error` that compiled would be an error of `tsc -b`.

interface Metrics {
  value(query: string): Promise<number>;
}
const Metrics = token<Metrics>('types.Metrics');
interface Channel {
  send(text: string): void;
}
const Channel = token<Channel>('types.Channel');

class Alerts {
  readonly given: readonly unknown[];
  constructor(metrics: Metrics, channels: readonly Channel[]) {
    this.given = [metrics, channels];
  }
}
class Plain {
  readonly plain = true;
}
class Optional {
  readonly given: readonly unknown[];
  constructor(metrics: Metrics, channel?: Channel) {
    this.given = [metrics, channel];
  }
}
class Greedy {
  readonly given: Channel[];
  constructor(channels: Channel[]) {
    this.given = channels;
  }
}

/** Never called: these lines are for the compiler. */
export function tokensAreCheckedAgainstConstructors(): void {
  provide(Alerts, Metrics, each(Channel));
  provide(Plain);
  provide(Optional, Metrics, Channel);
  // @ts-expect-error: a token is missing
  provide(Alerts, Metrics);
  // @ts-expect-error: all tokens are missing
  provide(Alerts);
  // @ts-expect-error: one token too many
  provide(Alerts, Metrics, each(Channel), Metrics);
  // @ts-expect-error: one token too many, for a class that takes none
  provide(Plain, Metrics);
  // @ts-expect-error: tokens in the wrong order
  provide(Alerts, each(Channel), Metrics);
  // @ts-expect-error: a wrong token
  provide(Alerts, Channel, each(Channel));
  // @ts-expect-error: the class takes all channels, not one
  provide(Alerts, Metrics, Channel);
  // @ts-expect-error: the class takes one Metrics, not all
  provide(Alerts, each(Metrics), each(Channel));
  // @ts-expect-error: what comes of a point cannot be changed
  provide(Greedy, each(Channel));
  // @ts-expect-error: a class is no token
  provide(Optional, Plain, Channel);
}

export function registrationsAreCheckedAgainstTokens(plugin: Registrar): void {
  class Pager implements Channel {
    readonly sent: string[] = [];
    send(text: string): void {
      this.sent.push(text);
    }
  }
  plugin.provide(Channel, Pager).contribute(Channel, Pager);
  plugin.value(Channel, new Pager()).contribute(Channel, { value: new Pager() });
  // @ts-expect-error: the class is no Metrics
  plugin.provide(Metrics, Pager);
  // @ts-expect-error: the value is no Metrics
  plugin.value(Metrics, new Pager());
  // @ts-expect-error: the class is no Metrics
  plugin.contribute(Metrics, Pager);
  // @ts-expect-error: the value is no Metrics
  plugin.contribute(Metrics, { value: new Pager() });
  // @ts-expect-error: a ready value is marked as such
  plugin.contribute(Channel, new Pager());
  // @ts-expect-error: a point is not provided
  plugin.provide(each(Channel), Pager);
}

export function resolvingGivesWhatTheTokenCarries(plugin: PluginContext): void {
  expectTypeOf(plugin.resolve(Metrics)).toEqualTypeOf<Metrics>();
  expectTypeOf(plugin.resolve(each(Channel))).toEqualTypeOf<readonly Channel[]>();
  expectTypeOf<Carried<typeof Metrics>>().toEqualTypeOf<Metrics>();
  // @ts-expect-error: an id alone is no token
  plugin.resolve({ kind: 'one', id: 'types.Metrics' });
}

export function pluginsAreChecked(): void {
  definePlugin({
    id: 'x',
    register: (plugin) => plugin.value(Channel, { send() {} }),
    start: async () => async () => {},
  });
  // @ts-expect-error: a plugin has an id
  definePlugin({ needs: [Metrics] });
  // @ts-expect-error: needs are tokens, not names
  definePlugin({ id: 'x', needs: ['types.Metrics'] });
  // @ts-expect-error: an undo is a function
  definePlugin({ id: 'x', start: () => 5 });
}

export function sentencesOfTheLogAreFixed(log: Logger, host: string): void {
  log.info('Ready');
  log.info({ host }, 'Host joined');
  log.child({ host }).error({ err: new Error('x') }, 'Host failed');
  // @ts-expect-error: a value inside the sentence
  log.info(`Host ${host} joined`);
  // @ts-expect-error: a value inside the sentence
  log.info({ host }, `Host ${host} joined`);
  // @ts-expect-error: a sentence made elsewhere
  log.info({ host }, host);
  // @ts-expect-error: the sentence comes last
  log.info('Host joined', { host });
}

test('tokens, registrations and sentences are checked by the compiler', () => {
  expectTypeOf<Token<Clock>>().not.toEqualTypeOf<Token<Logger>>();
});
