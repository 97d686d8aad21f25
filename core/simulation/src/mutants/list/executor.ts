import type { Mutant } from '../mutant.ts';

const folder = 'core/agent/src/executor';

export const executorMutants: readonly Mutant[] = [
  {
    name: 'runs-what-it-did-not-win',
    seed: 115,
    file: `${folder}/runner.ts`,
    text: `if (!event.won) return go(state, 0, [{ kind: 'say', word: 'fenced' }]);`,
    replacement: `if (!event.won && state.exitCode > 0) return go(state, 0, [{ kind: 'say', word: 'fenced' }]);`,
    breaks: 'A runner runs the script although somebody else has decided the try.',
  },
  {
    name: 'decides-before-its-release',
    seed: 93,
    file: `${folder}/runner.ts`,
    text: `      state.standing = 'HELD';
      return [{ kind: 'load' }];`,
    replacement: `      state.standing = 'DECIDING';
      return [{ kind: 'decide' }];`,
    breaks: 'A runner starts the script before the command is on disk and the start is asked for.',
  },
  {
    name: 'runs-before-it-decides',
    file: `${folder}/runner.ts`,
    text: `      state.standing = 'DECIDING';
      return [{ kind: 'decide' }];`,
    replacement: `      state.standing = 'RUNNING';
      return [{ kind: 'say', word: 'decided' }, { kind: 'run' }];`,
    breaks: 'The script runs without a decision on disk.',
  },
  {
    name: 'held-without-its-agent',
    seed: 63,
    file: `${folder}/runner.ts`,
    text: `return standing === 'IDLE' || standing === 'HELD' ? go(state, 0, []) : [];`,
    replacement: `return standing === 'IDLE' ? go(state, 0, []) : standing === 'HELD' ? stepRunner(state, { kind: 'released' }) : [];`,
    breaks: 'A runner that was held starts when its agent goes away.',
  },
  {
    name: 'next-try-without-an-abort',
    seed: 167,
    file: `${folder}/boot.ts`,
    text: `    case 'fence':
      return fence(turn, attempt);`,
    replacement: `    case 'fence':
      put(turn, attempt, { standing: 'ACCEPTED', tryNumber: verdict.tryNumber });
      return;`,
    breaks: 'After a restart of the agent the next try begins while a runner may still decide the one before.',
  },
  {
    name: 'boot-ignored',
    seed: 9,
    file: `${folder}/judge.ts`,
    text: `if (accepted.bootId !== observation.bootId) return { kind: 'end', ...rebooted };`,
    replacement: '',
    breaks: 'What was accepted before a restart of the host is started after it.',
  },
  {
    name: 'dead-runner-not-swept',
    seed: 121,
    file: `${folder}/ending.ts`,
    text: 'if (!alive) return sweep(turn, attempt, atOnce);',
    replacement: 'if (!alive) return closeSilent(turn, attempt, silenceAfter(exit, ending));',
    breaks: "A killed runner's processes live on beside the next attempt.",
  },
  {
    name: 'unsynced-result-told',
    file: `${folder}/moves.ts`,
    text: `turn.effects.push({ kind: 'readExit', attempt: ref, decision, sync: !durable });`,
    replacement: `turn.effects.push({ kind: 'readExit', attempt: ref, decision, sync: false });`,
    breaks: 'A result is told before it would survive a loss of power.',
  },
  {
    name: 'ended-beside-its-runner',
    seed: 115,
    file: `${folder}/ending.ts`,
    text: 'if (asked.given?.released) return fence(turn, asked);',
    replacement:
      'if (asked.given?.released) return closeUnstarted(turn, asked, unstarted(reason, endingMessage(reason)));',
    breaks: 'A canceled attempt is reported as ended while its runner decides to run it.',
  },
];
