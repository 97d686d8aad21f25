import type { Phase } from '@stackyard/domain';
import { withoutRestarts } from '../processes/stop.ts';
import { check } from './check.ts';
import { configure } from './configure.ts';
import type { PhaseContext, PhaseResult } from './context.ts';
import { bringJava, install } from './install.ts';
import { lifecycleFunction, makeHost } from './lifecycle.ts';
import { OnceMarkers } from './once.ts';
import { remove } from './remove.ts';
import { start } from './start.ts';
import { resultOutputs } from './result.ts';
import { stop } from './stop.ts';

type Archives = Readonly<Record<string, string>>;
type Platform = (context: PhaseContext, archives: Archives) => Promise<Record<string, string> | void>;

/** What the platform does in a phase, and what a function of the stack is to that. */
interface PhaseRule {
  readonly platform?: Platform;
  readonly own: 'instead' | 'after' | 'before';
  /** The keeper restarts nothing meanwhile. Starting and stopping see to that themselves. */
  readonly holdRestarts: boolean;
}

const RULES: Record<Phase, PhaseRule> = {
  install: { platform: install, own: 'after', holdRestarts: false },
  configure: { platform: configure, own: 'after', holdRestarts: true },
  init: { own: 'instead', holdRestarts: true },
  start: { platform: start, own: 'after', holdRestarts: false },
  prepare: { own: 'instead', holdRestarts: true },
  check: { platform: check, own: 'instead', holdRestarts: true },
  stop: { platform: stop, own: 'before', holdRestarts: false },
  remove: { platform: remove, own: 'before', holdRestarts: false },
  reload: { own: 'instead', holdRestarts: true },
  // These ask a component that runs, some of them for hours: meanwhile it is kept running as ever.
  action: { own: 'instead', holdRestarts: false },
  decommission: { own: 'instead', holdRestarts: false },
  recommission: { own: 'instead', holdRestarts: false },
  settle: { own: 'instead', holdRestarts: false },
};

/** Runs one phase of one component: the platform's part, the stack's function, or both. */
export async function runPhase(context: PhaseContext, archives: Archives): Promise<PhaseResult> {
  const rule = RULES[context.phase];
  if (context.phase !== 'install') await bringJava(context, archives);
  const own = await lifecycleFunction(context);
  const once = new OnceMarkers(context);
  let applied: Record<string, string> = {};
  const platform = async (): Promise<void> => {
    applied = (await rule.platform?.(context, archives)) ?? applied;
  };
  let told: Record<string, string> = {};
  const stack = async (): Promise<void> => {
    const given = await own?.(makeHost(context, once));
    if (context.order.action) told = resultOutputs(context.order.action.name, given, context.log);
  };
  const steps = !own ? [platform] : { instead: [stack], after: [platform, stack], before: [stack, platform] }[rule.own];
  const work = async (): Promise<void> => {
    for (const step of steps) await step();
  };
  if (rule.holdRestarts && context.component.process) await withoutRestarts(context.dir, work);
  else await work();
  const outputs = Object.fromEntries(Object.entries(once.done).map(([name, at]) => [`once.${name}`, at]));
  return { outputs: { ...outputs, ...told }, applied };
}
