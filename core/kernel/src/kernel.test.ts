import { describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';
import { ConstructionError, KernelStopError, type PluginStartError, type WiringError } from './errors.ts';
import { classTaking, Ending, Greeter, journaling, pairThatNeedsEachOther } from './fixtures.ts';
import { createKernel, type Kernel } from './kernel.ts';
import { createLogger, Logger } from './logger.ts';
import { definePlugin, type PluginContext, type Registrar } from './plugin.ts';
import { provide } from './provide.ts';
import { each, token } from './token.ts';

class Polite implements Greeter {
  readonly #endings: readonly Ending[];
  constructor(endings: readonly Ending[]) {
    this.#endings = endings;
  }
  greet(name: string): string {
    return `Good day, ${name}${this.#endings.map(({ text }) => text).join('')}`;
  }
}
provide(Polite, each(Ending));

const polite = definePlugin({ id: 'polite', register: (plugin) => plugin.provide(Greeter, Polite) });

/** The error a kernel refuses to start with. */
async function refusal<E>(kernel: Kernel): Promise<E> {
  return kernel.start().then(
    () => expect.unreachable('the kernel started'),
    (error: unknown) => error as E,
  );
}
const problemsOf = async (kernel: Kernel) => (await refusal<WiringError>(kernel)).fields.problems;

describe('tokens and points', () => {
  test('a point nobody contributes to is an empty list', async () => {
    const kernel = await createKernel().load(polite).start();
    expect(kernel.resolve(Greeter).greet('Ada')).toBe('Good day, Ada');
    expect(kernel.resolve(each(Ending))).toEqual([]);
  });

  test('contributions are classes or values, in the order of loading', async () => {
    class Dots implements Ending {
      readonly text = '...';
    }
    const dots = definePlugin({ id: 'dots', register: (plugin) => plugin.contribute(Ending, Dots) });
    const bang = definePlugin({
      id: 'bang',
      register: (plugin) => plugin.contribute(Ending, { value: { text: '!' } }),
    });
    const kernel = await createKernel().load(bang, polite, dots).start();
    expect(kernel.resolve(Greeter).greet('Ada')).toBe('Good day, Ada!...');
  });

  test('a class has one instance, however many tokens and points it answers', async () => {
    const a = token<object>('test.A');
    const b = token<object>('test.B');
    const Both = classTaking('Both');
    const plugin = definePlugin({
      id: 'both',
      register: (plugin) =>
        plugin
          .provide(a, Both)
          .provide(b, Both)
          .contribute(Ending, Both as never),
    });
    const kernel = await createKernel().load(plugin).start();
    expect(kernel.resolve(a)).toBe(kernel.resolve(b));
    expect(kernel.resolve(each(Ending))[0]).toBe(kernel.resolve(a));
    expect(Both.made).toHaveLength(1);
  });

  test('a value may be null, undefined or zero', async () => {
    const values = [null, undefined, 0].map((value, at) => ({ value, token: token<unknown>(`test.V${at}`) }));
    const kernel = createKernel();
    for (const { token, value } of values) kernel.value(token, value);
    const running = await kernel.start();
    expect(values.map(({ token }) => running.resolve(token))).toEqual([null, undefined, 0]);
  });

  test('a subclass with tokens of its own leaves those of its base alone', async () => {
    class Base {
      readonly given: unknown;
      constructor(given: unknown) {
        this.given = given;
      }
    }
    const x = token<string>('test.X');
    const y = token<string>('test.Y');
    provide(Base, x);
    class Derived extends Base {}
    provide(Derived, y);
    const [base, derived] = [token<Base>('test.Base'), token<Base>('test.Derived')];
    const plugin = definePlugin({
      id: 'family',
      needs: [x, y],
      register: (plugin) => plugin.provide(derived, Derived).provide(base, Base),
    });
    const kernel = await createKernel().value(x, 'x').value(y, 'y').load(plugin).start();
    expect([kernel.resolve(base).given, kernel.resolve(derived).given]).toEqual(['x', 'y']);
  });

  test('two kernels share nothing', async () => {
    const [one, other] = await Promise.all([createKernel().load(polite).start(), createKernel().load(polite).start()]);
    expect(one.resolve(Greeter)).not.toBe(other.resolve(Greeter));
  });

  test('resolving what nobody provides names the token', async () => {
    const kernel = await createKernel().start();
    expect(() => kernel.resolve(Greeter)).toThrow('"test.Greeter" was resolved, but nobody provides it.');
  });

  test('listing the tokens of a class twice is refused', () => {
    expect(() => provide(Polite, each(Ending))).toThrow('provide(Polite, …) was called twice');
  });
});

describe('the check', () => {
  test('names a need nobody provides, and all who need it', async () => {
    const Hello = classTaking('Hello', Greeter);
    const point = token<object>('test.Point');
    const a = definePlugin({ id: 'a', needs: [Greeter] });
    const b = definePlugin({ id: 'b', register: (plugin) => plugin.contribute(point, Hello) });
    expect(await problemsOf(createKernel().load(a, b))).toMatchInlineSnapshot(`
      [
        {
          "kind": "MISSING",
          "sentence": "Nobody provides "test.Greeter", needed by plugin "a" and plugin "b" (Hello). Load a plugin that provides it, or give it with value().",
        },
      ]
    `);
  });

  test('names everyone who provides the same token', async () => {
    const other = definePlugin({ id: 'other', register: (plugin) => plugin.value(Greeter, { greet: () => '' }) });
    const kernel = createKernel()
      .value(Greeter, { greet: () => '' })
      .load(polite, other);
    expect(await problemsOf(kernel)).toMatchInlineSnapshot(`
      [
        {
          "kind": "DOUBLED",
          "sentence": ""test.Greeter" is provided 3 times, by value() of the kernel and plugin "polite" (Polite) and plugin "other" (a value). Keep one of them, or make it an extension point with contribute().",
        },
      ]
    `);
  });

  test('reports a circle of tokens with its path, briefly, and before any constructor runs', async () => {
    const { a, b, A, B } = pairThatNeedsEachOther();
    const plugin = definePlugin({ id: 'pair', register: (plugin) => plugin.provide(a, A).provide(b, B) });
    const error = await refusal<WiringError>(createKernel().load(plugin));
    expect(error.message).toMatchInlineSnapshot(
      `"The plugins do not fit together: These need each other: test.A (A) → test.B (B) → test.A (A). Break the circle: move what both use into a third class, or announce it through an extension point."`,
    );
    expect(error.message.length).toBeLessThan(1_000);
    expect([...A.made, ...B.made]).toEqual([]);
  });

  test('reports a circle through an extension point', async () => {
    const Item = classTaking('Item', Greeter);
    const item = definePlugin({
      id: 'item',
      needs: [Greeter],
      register: (plugin) => plugin.contribute(Ending, Item as never),
    });
    expect(await problemsOf(createKernel().load(polite, item))).toMatchObject([
      {
        kind: 'CYCLE',
        sentence: expect.stringContaining('test.Greeter (Polite) → test.Ending (Item) → test.Greeter (Polite)'),
      },
    ]);
  });

  test('cuts the path of a circle of hundreds short', async () => {
    const tokens = Array.from({ length: 300 }, (_, at) => token<object>(`test.T${at}`));
    const plugin = definePlugin({
      id: 'ring',
      register(plugin) {
        for (const [at, own] of tokens.entries()) plugin.provide(own, classTaking(`T${at}`, tokens[(at + 1) % 300]!));
      },
    });
    const error = await refusal<WiringError>(createKernel().load(plugin));
    expect(error.message).toContain('… 294 more …');
    expect(error.message.length).toBeLessThan(1_000);
  });

  test('reports plugins that need each other although their classes do not', async () => {
    const [x, y] = [token<object>('test.X'), token<object>('test.Y')];
    const a = journaling([], 'a', { needs: [y], provides: x });
    const b = journaling([], 'b', { needs: [x], provides: y });
    expect(await problemsOf(createKernel().load(a, b))).toMatchObject([
      { kind: 'PLUGIN_CYCLE', sentence: expect.stringContaining('a → b → a') },
    ]);
  });

  test('a plugin owns up to what its classes take', async () => {
    const Hello = classTaking('Hello', Greeter);
    const hello = definePlugin({ id: 'hello', register: (plugin) => plugin.provide(token('test.Hello'), Hello) });
    expect(await problemsOf(createKernel().load(polite, hello))).toEqual([
      {
        kind: 'UNDECLARED',
        sentence:
          'Hello takes "test.Greeter", which plugin "hello" neither needs nor provides. Add it to the plugin\'s needs.',
        plugin: 'hello',
      },
    ]);
  });

  test('a class with arguments and no list of tokens is refused', async () => {
    class Forgotten {
      readonly made = true;
      constructor(readonly: string) {
        void readonly;
      }
    }
    const plugin = definePlugin({ id: 'x', register: (plugin) => plugin.provide(token('test.F'), Forgotten) });
    expect(await problemsOf(createKernel().load(plugin))).toMatchObject([
      { kind: 'UNLISTED', sentence: expect.stringContaining('Write provide(Forgotten, …) beside the class.') },
    ]);
  });

  test('a token is either provided or contributed to, and asked for as such', async () => {
    const both = definePlugin({
      id: 'both',
      register: (plugin) => plugin.contribute(Greeter, Polite).contribute(Ending, { value: { text: '' } }),
    });
    const asks = definePlugin({ id: 'asks', needs: [Ending, each(Clock)] });
    expect((await problemsOf(createKernel().load(polite, both, asks))).map(({ sentence }) => sentence)).toEqual([
      '"test.Greeter" is both provided and contributed to. Choose one.',
      '"test.Ending" is an extension point. Ask for it with each().',
      '"kernel.Clock" has one provider and is no extension point. Ask for it without each().',
    ]);
  });

  test('all problems of a set are told at once', async () => {
    const { a, b, A, B } = pairThatNeedsEachOther();
    const plugins = [
      definePlugin({ id: 'pair', register: (plugin) => plugin.provide(a, A).provide(b, B) }),
      definePlugin({ id: 'lonely', needs: [Greeter] }),
      definePlugin({ id: 'lonely' }),
      definePlugin({
        id: 'broken',
        register() {
          throw new Error('no licence');
        },
      }),
      definePlugin({ id: 'again', register: (plugin) => plugin.value(a, {}) }),
    ];
    const error = await refusal<WiringError>(createKernel().load(...plugins));
    expect(error.fields.problems.map(({ kind }) => kind)).toEqual([
      'REGISTER_FAILED',
      'PLUGIN_TWICE',
      'DOUBLED',
      'MISSING',
      'CYCLE',
    ]);
    expect(error.message).toMatch(
      /^The plugins do not fit together: \n1\. The register of plugin "broken" failed: no licence\n2\./,
    );
  });
});

describe('starting and stopping', () => {
  test('plugins start after those they need, and stop in reverse', async () => {
    const journal: string[] = [];
    const [x, y] = [token<object>('test.X'), token<object>('test.Y')];
    const kernel = await createKernel()
      .load(
        journaling(journal, 'last', { needs: [y] }),
        journaling(journal, 'middle', { needs: [x], provides: y }),
        journaling(journal, 'first', { provides: x }),
      )
      .start();
    await kernel.stop();
    expect(journal.join(', ')).toBe('start first, start middle, start last, stop last, stop middle, stop first');
  });

  test('who reads a point starts after its contributors, unless they need it', async () => {
    const journal: string[] = [];
    const contribute = (plugin: Registrar) => plugin.contribute(Ending, { value: { text: '!' } });
    const x = token<object>('test.X');
    const reader = journaling(journal, 'reader', { needs: [each(Ending)], provides: x });
    const plain = journaling(journal, 'plain', { register: contribute });
    const dependent = journaling(journal, 'dependent', { needs: [x], register: contribute });
    await createKernel().load(reader, dependent, plain).start();
    expect(journal).toEqual(['start plain', 'start reader', 'start dependent']);
  });

  test('a class is made after the plugins its own plugin needs have started', async () => {
    const journal: string[] = [];
    const x = token<object>('test.X');
    class Late {
      readonly made = true;
      constructor(given: object) {
        journal.push(`make Late with ${typeof given}`);
      }
    }
    provide(Late, x);
    const late = definePlugin({
      id: 'late',
      needs: [x],
      register: (plugin) => plugin.provide(token('test.Late'), Late),
    });
    await createKernel()
      .load(late, journaling(journal, 'early', { provides: x }))
      .start();
    expect(journal).toEqual(['start early', 'make Late with object']);
  });

  test('when a start fails, what had started is undone and the error names the plugin', async () => {
    const journal: string[] = [];
    const cause = new Error('port 8080 is taken');
    const failing = definePlugin({ id: 'web', start: () => Promise.reject(cause) });
    const stubborn = journaling(journal, 'b', { start: () => () => Promise.reject(new Error('stuck')) });
    const kernel = createKernel().load(journaling(journal, 'a'), stubborn, failing, journaling(journal, 'never'));
    const error = await refusal<PluginStartError>(kernel);
    expect(error).toMatchObject({ code: 'KERNEL_PLUGIN_START', fields: { plugin: 'web' }, cause });
    expect(error.message).toMatchInlineSnapshot(
      `"Plugin "web" did not start: port 8080 is taken (While stopping the others, these failed as well: b.)"`,
    );
    expect(journal).toEqual(['start a', 'stop a']);
  });

  test('a constructor that fails is named, with its own error as cause', async () => {
    const cause = new Error('bad weather');
    class Fails {
      readonly made = true;
      constructor() {
        throw cause;
      }
    }
    const x = token<object>('test.X');
    const User = classTaking('User', x);
    const plugin = definePlugin({
      id: 'weather',
      register: (plugin) => plugin.provide(token('test.User'), User).provide(x, Fails),
    });
    const error = await refusal<PluginStartError>(createKernel().load(plugin));
    expect(error.message).toBe('Plugin "weather" did not start: The constructor of Fails failed: bad weather');
    expect(error.cause).toBeInstanceOf(ConstructionError);
    expect((error.cause as Error).cause).toBe(cause);
  });

  test('every undo runs, the errors are collected, and a second stop is the first', async () => {
    const journal: string[] = [];
    const throws = (id: string) => definePlugin({ id, start: () => () => Promise.reject(new Error(`${id} is stuck`)) });
    const kernel = await createKernel().load(throws('a'), journaling(journal, 'b'), throws('c')).start();
    const stopping = kernel.stop();
    const error: unknown = await stopping.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(KernelStopError);
    expect((error as Error).message).toBe('Not everything stopped: plugin "c": c is stuck; plugin "a": a is stuck');
    expect((error as { cause: AggregateError }).cause.errors).toHaveLength(2);
    expect(journal).toEqual(['start b', 'stop b']);
    expect(kernel.stop()).toBe(stopping);
  });

  test('registering after register has returned is refused', async () => {
    let kept: Registrar | undefined;
    const plugin = definePlugin({
      id: 'late',
      register(plugin) {
        kept = plugin;
      },
    });
    const kernel = createKernel().load(plugin);
    await kernel.start();
    expect(() => kept?.value(Greeter, { greet: () => '' })).toThrow('Plugin "late" registered "test.Greeter" after');
    expect(() => kernel.load(polite)).toThrow('The kernel was already started, so load() came too late.');
    expect(() => kernel.value(Greeter, { greet: () => '' })).toThrow('value("test.Greeter") came too late');
    await expect(kernel.start()).rejects.toThrow('start() came too late');
  });

  test('a register that is asynchronous is refused', async () => {
    const plugin = definePlugin({
      id: 'slow',
      // oxlint-disable-next-line typescript/no-misused-promises -- the mistake under test
      async register(plugin) {
        await Promise.resolve();
        plugin.value(Greeter, { greet: () => '' });
      },
    });
    expect(await problemsOf(createKernel().load(plugin))).toEqual([
      {
        kind: 'REGISTER_FAILED',
        sentence: 'The register of plugin "slow" failed: it is asynchronous. Do what has to be waited for in start.',
        plugin: 'slow',
      },
    ]);
  });

  test('a plugin gets what it asked for, never the application', async () => {
    let context: PluginContext | undefined;
    const curious = definePlugin({ id: 'curious', needs: [Clock], start: (plugin) => void (context = plugin) });
    await createKernel().load(polite, curious).start();
    expect(context?.resolve(Clock).now()).toBeInstanceOf(Date);
    expect(() => context?.resolve(Greeter)).toThrow(
      'Plugin "curious" resolved "test.Greeter", which it neither needs nor provides. Add it to the plugin\'s needs.',
    );
    expect(() => context?.resolve(each(Ending))).toThrow('resolved "test.Ending"');
  });

  test('the id of a plugin is lower-case words', () => {
    expect(() => definePlugin({ id: 'My Plugin' })).toThrow('"My Plugin" cannot be the id of a plugin.');
  });

  test('every plugin has a logger of its own, in its start and in its classes', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (line: string) => lines.push(line) } });
    class Speaker {
      readonly made = true;
      constructor(log: Logger) {
        log.info('Made');
      }
    }
    provide(Speaker, Logger);
    const make = (id: string, register: (plugin: Registrar) => void) =>
      definePlugin({
        id,
        needs: [Logger],
        register,
        start: (plugin) => plugin.resolve(Logger).info({ of: id }, 'Started'),
      });
    const a = make('a', () => undefined);
    const b = make('b', (plugin) => plugin.provide(token('test.Speaker'), Speaker));
    await createKernel().value(Logger, logger).load(a, b).start();
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { plugin: 'a', of: 'a', msg: 'Started' },
      { plugin: 'b', msg: 'Made' },
      { plugin: 'b', of: 'b', msg: 'Started' },
    ]);
  });

  test('a plugin may bring its own clock', async () => {
    const frozen = definePlugin({
      id: 'frozen',
      register: (plugin) => plugin.value(Clock, { now: () => new Date(0), monotonicMs: () => 7 }),
    });
    expect((await createKernel().load(frozen).start()).resolve(Clock).monotonicMs()).toBe(7);
  });
});
