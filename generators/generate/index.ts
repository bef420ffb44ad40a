/** Entry point of Yeoman: the Node version first, then the rest. */
import { requireNode } from '../lib/util/node-version.ts';

requireNode();
const { GenerateGenerator } = await import('./generator.ts');

export default GenerateGenerator;
