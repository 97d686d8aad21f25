import type { Command } from 'commander';
import type { Terminal } from '../output/terminal.ts';
export function demoCommand(_command: Command, _terminal: Terminal, _done: (code: number) => void): void {}
