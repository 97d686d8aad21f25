// tsyringe refuses to load before reflect-metadata. This file is the only import of either.
import 'reflect-metadata';

export { container, inject, injectable, injectAll, Lifecycle, type DependencyContainer } from 'tsyringe';
