import type { StackProblem } from '../define/errors.ts';
import { checkValues } from '../render/check.ts';
import { didYouMean } from '../render/nearest.ts';
import type { ServiceManifest } from './manifest.ts';

/** What is wrong in profiles: an operator who takes one must not meet values that cannot be saved. */
export function profileFaults({ name: service, profiles = [], configs, components }: ServiceManifest): StackProblem[] {
  return profiles.flatMap(({ name, help, values, hosts }) => {
    const where = `${service} profile ${name}`;
    const problem = (reason: string, remedy: string): StackProblem => ({ where, reason, remedy });
    // What an author advises against elsewhere may be right for a profile.
    const wrong = checkValues(configs, values, { partial: true })
      .filter(({ severity }) => severity !== 'warning')
      .map(({ message }) => problem(message.replace(/\.$/, ''), 'change the value'));
    const secrets = configs.flatMap((config) =>
      config.properties
        .filter(({ name: property, type }) => type === 'secret' && values[config.name]?.[property] !== undefined)
        .map((property) => problem(`it sets the secret ${property.name}, which everybody would know`, 'leave it out')),
    );
    const known = components.map((component) => component.name);
    const unknown = Object.keys(hosts)
      .filter((component) => !known.includes(component))
      .map((component) =>
        problem(`there is no component ${component}${didYouMean(component, known)}`, 'name one of this service'),
      );
    return [
      ...(help.trim() === '' ? [problem('it does not say what it is for', 'say it in one sentence')] : []),
      ...wrong,
      ...secrets,
      ...unknown,
    ];
  });
}
