import { readFile } from 'node:fs/promises';
import { type Scalar, tensor2d } from '@tensorflow/tfjs-core';
import { expect } from 'chai';
import { detect } from '../../src/detection/detect.js';
import { readSeries } from '../../src/detection/series.js';
import { sha256Of } from '../../src/hash.js';
import { Model } from '../../src/inference/model.js';
import { cutWindows } from '../../model_creation/autoencoder.js';
import { prepare } from '../../model_creation/prepare.js';
import { measureParity } from '../../model_creation/parity.js';
import { expectAppError } from '../support/errors.js';
import { quickParams, trainQuickly } from '../support/training.js';

const ECG = 'model_creation/data/test.csv';

/** Two columns, the second of them 1,000 times the first and late by a quarter of a period. */
function twoColumns(points: number): Buffer {
  const rows = Array.from({ length: points }, (_, i) => `${Math.sin(i / 8)},${1000 * Math.cos(i / 8)}`);
  return Buffer.from(`a,b\n${rows.join('\n')}\n`);
}

describe('training', function () {
  this.timeout(60_000);

  it('gives errors in ONNX Runtime that TensorFlow.js and plain loops in double give, on the real test series', async () => {
    const { network, prepared, bytes } = await trainQuickly();
    const model = await Model.fromBytes(bytes);
    const { values } = readSeries(await readFile(ECG), model.columns);
    expect(await measureParity(model, network, prepared.scaling, values)).to.be.below(1e-4);
  });

  it('gives the same for several columns', async () => {
    const { network, prepared, bytes } = await trainQuickly(quickParams({ window: 16 }), twoColumns(2000));
    const model = await Model.fromBytes(bytes);
    const { values } = readSeries(twoColumns(700), model.columns);
    expect(await measureParity(model, network, prepared.scaling, values)).to.be.below(1e-3);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [once, again, other] = [
      await trainQuickly(quickParams({ epochs: 1 })),
      await trainQuickly(quickParams({ epochs: 1 })),
      await trainQuickly(quickParams({ epochs: 1, seed: 7 })),
    ];
    expect(Buffer.compare(once.bytes, again.bytes)).to.equal(0);
    expect(Buffer.compare(once.bytes, other.bytes)).to.not.equal(0);
  });

  it('keeps the weights of the best epoch and stops when patience is at its end', async () => {
    const { epochs, network, prepared } = await trainQuickly(
      quickParams({ epochs: 30, patience: 1, learningRate: 0.02 }),
    );
    const losses = epochs.map(({ validationLoss }) => validationLoss);
    expect(epochs.length).to.be.below(30);
    expect(losses.indexOf(Math.min(...losses))).to.be.below(epochs.length - 1);
    const { values, count, size } = cutWindows(prepared.parts.validation, prepared.scaling, 64);
    const inputs = tensor2d(values, [count, size]);
    const [loss] = (network.evaluate(inputs, inputs, { batchSize: 128 }) as Scalar).dataSync<'float32'>();
    expect(loss).to.be.closeTo(Math.min(...losses), 1e-6);
  });

  it('calibrates on points that the fit has not seen, and promises what they say', async () => {
    const params = quickParams();
    const { prepared, bytes } = await trainQuickly(params);
    const model = await Model.fromBytes(bytes);
    expect(model.metadata.calibration.points).to.equal(2400);
    expect(prepared.parts.fit.length + prepared.parts.validation.length).to.equal(9600);
    const { error } = await model.reconstruct(prepared.parts.calibration);
    const above = error.filter((value) => value > model.metadata.calibration.errors[90]).length;
    expect(above / error.length).to.be.closeTo(0.1, 0.001);
  });

  it('tells in the model what it was made from', async () => {
    const csv = await readFile('model_creation/data/train.csv');
    const { provenance, columns, metrics } = (await Model.fromBytes((await trainQuickly()).bytes)).metadata;
    expect(provenance).to.include({ dataSha256: sha256Of(csv), trainingPoints: 12_000, seed: 42, date: '2026-11-23' });
    expect(columns).to.deep.equal([{ name: 'value', min: -79, max: 344 }]);
    expect(metrics).to.have.all.keys('epochs', 'loss', 'validationLoss', 'largestRelativeDifference');
  });

  it('finds in a column what it has not seen there, and blames that column', async () => {
    const { bytes } = await trainQuickly(quickParams({ window: 16, epochs: 20 }), twoColumns(3000));
    const rows = twoColumns(600).toString().trimEnd().split('\n');
    for (let i = 300; i < 310; i++) rows[i + 1] = `${rows[i + 1].split(',')[0]},-1500`;
    const { verdict } = await detect(Buffer.from(rows.join('\n')), await Model.fromBytes(bytes));
    const worst = verdict.anomalies.reduce((a, b) => (b.error > a.error ? b : a));
    expect(worst.peak).to.be.within(290, 320);
    expect(worst.columns[0].column).to.equal('b');
  });

  it('says how many points it needs', async () => {
    const csv = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 7).join('\n'));
    const { message } = await expectAppError('TOO_FEW_POINTS', () => prepare(csv, quickParams()));
    expect(message).to.include('300 points').and.to.include('about 640');
  });

  it('trains on a series that never changes, and stays finite', async () => {
    const csv = Buffer.from('0.1\n'.repeat(1000));
    const { bytes } = await trainQuickly(quickParams({ window: 16, epochs: 1 }), csv);
    const { verdict } = await detect(
      Buffer.from(`${'0.1\n'.repeat(50)}0.1000001\n${'0.1\n'.repeat(50)}`),
      await Model.fromBytes(bytes),
    );
    expect(verdict.threshold).to.be.finite;
  });

  it('takes a column that never changes', () => {
    const csv = Buffer.from(`a,b\n${Array.from({ length: 1000 }, (_, i) => `${i % 9},0.1`).join('\n')}\n`);
    expect(prepare(csv, quickParams()).scaling[1]).to.deep.equal({ mean: 0.1, scale: 1 });
  });
});
