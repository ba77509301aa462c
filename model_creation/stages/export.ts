import { readFileSync } from 'node:fs';
import { readSeries } from '../../src/detection/series.js';
import { Model } from '../../src/inference/model.js';
import type { Epoch } from '../autoencoder.js';
import { exportModel } from '../export.js';
import { readJson, writeFile } from '../files.js';
import { readParams } from '../params.js';
import { measureParity } from '../parity.js';
import { say } from '../progress.js';
import { paths, readPrepared } from './artifacts.js';
import { readNetwork } from './network.js';

const prepared = readPrepared(paths.prepared);
const network = await readNetwork();
const bytes = await exportModel(prepared, network, readJson<Epoch[]>(paths.epochs), readParams(paths.params));
writeFile(paths.model, bytes);

const model = await Model.fromBytes(bytes);
const { values } = readSeries(readFileSync(paths.testData), model.columns);
const difference = await measureParity(model, network, prepared.scaling, values);
say(`${paths.model}: ${bytes.length} bytes; largest relative difference of an error ${difference.toExponential(1)}`);
