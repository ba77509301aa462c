import { readFileSync } from 'node:fs';
import { readParams } from '../params.js';
import { prepare } from '../prepare.js';
import { say } from '../progress.js';
import { paths, writePrepared } from './artifacts.js';

const prepared = prepare(readFileSync(paths.trainData), readParams(paths.params));
writePrepared(prepared);
say(`${prepared.points} points of ${prepared.columns.map(({ name }) => name).join(', ')} prepared`);
