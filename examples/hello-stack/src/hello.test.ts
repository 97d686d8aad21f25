import { describeStack, simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack, { greeter, greeting } from './index.ts';

describeStack(stack);

test('what it says is an argument of its process, whatever it is', async () => {
  const { process } = await simulate(stack)
    .add(greeter, 'a')
    .set(greeting.text, '$(reboot)')
    .run(greeter, 'start', 'a');
  expect(process?.args.slice(2)).toEqual(['$(reboot)', '5']);
});
