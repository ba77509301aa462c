import { join, parse } from 'node:path';
import { runCommand, usageError } from '../src/command.js';
import { checkOutput, readInput, resolveFromCaller } from '../src/command-files.js';
import { parseOptions } from '../src/detection/options.js';
import { AppError } from '../src/errors.js';
import { trainAutoencoder } from './autoencoder.js';
import { exportModel } from './export.js';
import { writeFile } from './files.js';
import { type Params, readParams } from './params.js';
import { prepare } from './prepare.js';
import { epochReporter, say } from './progress.js';

const USAGE = `Usage: npm run --silent train -- TRAIN.csv --output DIR [options]

Trains a model on a CSV of normal data and writes DIR/model.onnx.

  --output DIR      where the model goes
  --percentile P    default percentile of the normal errors that the threshold is built on
  --seed N          seed of every random choice: the same seed gives the same model
  --params FILE     all other numbers, in place of params.yaml and as complete
  --help            this text

Exits with 0 where the model is written, and with 2 where something is wrong.
`;

await runCommand(USAGE, {
  options: {
    output: { type: 'string' },
    percentile: { type: 'string' },
    seed: { type: 'string' },
    params: { type: 'string' },
  },
  run: async ([data, ...others], { output, percentile, seed, params: file }) => {
    if (data === undefined || others.length > 0) throw usageError('Expected one CSV.');
    if (output === undefined) throw usageError('--output: expected a folder.');
    const params = paramsFor(data, file === undefined ? 'params.yaml' : resolveFromCaller(file), percentile, seed);
    const path = join(resolveFromCaller(output), 'model.onnx');
    await checkOutput(path, true);
    const prepared = prepare(await readInput(data), params);
    say(`${prepared.points} points of ${prepared.columns.map(({ name }) => name).join(', ')}`);
    const { fitted, epochs } = await trainAutoencoder(prepared, params.train, epochReporter(params.train.epochs));
    writeFile(path, await exportModel(prepared, fitted, epochs, params));
    say(path);
  },
});

/** The numbers of a file, with the caller's own in their place. */
function paramsFor(data: string, file: string, percentile: string | undefined, seed: string | undefined): Params {
  const { prepare: parts, train, export: defaults, evaluate, model } = readParams(file);
  const chosen = parseOptions({ percentile }).percentile ?? defaults.percentile;
  return {
    model: { name: parse(data).name, version: model.version },
    prepare: parts,
    train: { ...train, seed: seed === undefined ? train.seed : parseSeed(seed) },
    export: { ...defaults, percentile: chosen },
    evaluate,
  };
}

function parseSeed(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const expected = 'a whole number from 0 to 999999999';
  throw new AppError('INVALID_PARAMETER', `--seed: expected ${expected}, got "${text}".`, { expected, received: text });
}
