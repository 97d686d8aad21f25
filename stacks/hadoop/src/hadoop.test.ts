import { describeStack } from '@stackyard/sdk/testing';
import stack from './index.ts';

describeStack(stack);
