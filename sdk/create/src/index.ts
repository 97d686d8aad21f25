export { ScaffoldError } from './errors.ts';
export { scaffold, type Scaffolded, type ScaffoldOptions } from './scaffold.ts';
export { nextSteps } from './nextSteps.ts';
