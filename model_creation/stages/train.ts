import { trainAutoencoder } from '../autoencoder.js';
import { writeFile, writeJson } from '../files.js';
import { plotLoss } from '../loss-plot.js';
import { readParams } from '../params.js';
import { epochReporter } from '../progress.js';
import { paths, readPrepared, writeFitted } from './artifacts.js';

const { train } = readParams(paths.params);
const { fitted, epochs } = await trainAutoencoder(readPrepared(), train, epochReporter(train.epochs));
writeFitted(fitted);
writeJson(paths.epochs, epochs);
writeFile(paths.lossPlot, await plotLoss(epochs));
