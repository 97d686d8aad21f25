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
    seed: 678,
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
    seed: 10,
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
  {
    name: 'lost-fence-ignored',
    seed: 40,
    file: `${folder}/starting.ts`,
    text: `if (won || (typeof decision !== 'string' && decision.verdict === 'abort')) return aborted(turn, decided);`,
    replacement: `if (won || typeof decision !== 'string') return aborted(turn, decided);`,
    breaks: 'An attempt whose runner was quicker than the abort is started again.',
  },
  {
    name: 'not-swept-after-a-crash',
    seed: 44,
    file: `${folder}/boot.ts`,
    text: 'return sweep(turn, left, atOnce);',
    replacement: 'return closeSilent(turn, left, verdict);',
    breaks: 'What a dead runner left behind is not ended before its attempt is given up.',
  },
  {
    name: 'failures-leave-processes',
    file: `${folder}/moves.ts`,
    text: 'if (exit.reason === undefined || attempt.swept || !attempt.decision) return exited(turn, attempt, exit, logSize);',
    replacement: 'if (exit.exitCode !== -1) return exited(turn, attempt, exit, logSize);',
    breaks: 'A failed attempt is reported while processes of it live.',
  },
  {
    name: 'started-after-its-lease',
    seed: 36,
    file: `${folder}/starting.ts`,
    text: `if (standing === 'STARTING' && turn.now >= startUntil) {`,
    replacement: `if (standing === 'STARTING' && turn.now < 0) {`,
    breaks: 'What took long to prepare starts after the lease has run out.',
  },
];
