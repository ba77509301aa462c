import { Model } from '../../src/inference/model.js';
import { parseModelFile } from '../../src/inference/model-file.js';
import type { Epoch } from '../autoencoder.js';
import { exportModel } from '../export.js';
import { readJson, writeFile } from '../files.js';
import { readParams } from '../params.js';
import { say } from '../progress.js';
import { paths, readFitted, readPrepared } from './artifacts.js';

const epochs = readJson<Epoch[]>(paths.epochs);
const bytes = await exportModel(readPrepared(), readFitted(), epochs, readParams(paths.params));
writeFile(paths.model, bytes);
const { metrics } = (await Model.create(parseModelFile(bytes))).metadata;
const difference = metrics.largestRelativeDifference.toExponential(1);
say(`${paths.model}: ${bytes.length} bytes; largest relative difference of an error ${difference}`);
