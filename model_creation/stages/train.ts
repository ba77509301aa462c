import { trainAutoencoder } from '../autoencoder.js';
import { writeFile, writeJson } from '../files.js';
import { plotLoss } from '../loss-plot.js';
import { readParams } from '../params.js';
import { epochReporter } from '../progress.js';
import { paths, readPrepared } from './artifacts.js';
import { writeNetwork } from './network.js';

const { train } = readParams(paths.params);
const { model, epochs } = await trainAutoencoder(readPrepared(paths.prepared), train, epochReporter(train.epochs));
await writeNetwork(model);
writeJson(paths.epochs, epochs);
writeFile(paths.lossPlot, plotLoss(epochs));
