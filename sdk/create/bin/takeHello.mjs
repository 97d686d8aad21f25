// Before this is packed: the example that every scaffold is made of comes along.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const hello = fileURLToPath(new URL('../../../examples/hello-stack/src', import.meta.url));
const own = fileURLToPath(new URL('../template/src', import.meta.url));
rmSync(own, { recursive: true, force: true });
cpSync(hello, own, { recursive: true });
