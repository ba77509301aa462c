import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { detect } from '../../src/detection/detect.js';
import { readSeries } from '../../src/detection/series.js';
import { sha256Of } from '../../src/hash.js';
import { Model } from '../../src/inference/model.js';
import { parseModelFile } from '../../src/inference/model-file.js';
import { findPeriod } from '../../model_creation/period.js';
import { prepare } from '../../model_creation/prepare.js';
import { measureParity } from '../../model_creation/parity.js';
import { expectAppError } from '../support/errors.js';
import { graphHeads, quickParams, trainQuickly } from '../support/training.js';

const ECG = 'model_creation/data/test.csv';
const LIMITS = { shortest: 16, longest: 400, fallback: 64 };

/** Two columns, the second of them 1,000 times the first and late by a quarter of a period. */
function twoColumns(points: number): string[] {
  return Array.from({ length: points }, (_, i) => `${Math.sin(i / 8)},${1000 * Math.cos(i / 8)}`);
}

const csvOf = (header: string, rows: (string | number)[]) => Buffer.from(`${header}\n${rows.join('\n')}\n`);
const loaded = async (csv: Buffer) => Model.create(parseModelFile((await trainQuickly(quickParams(), csv)).bytes));

describe('training', function () {
  it('gives errors in ONNX Runtime that TensorFlow.js and plain loops in double give, on the real test series', async () => {
    const params = quickParams();
    const { fitted, prepared, bytes } = await trainQuickly(params);
    const model = await Model.create(parseModelFile(bytes));
    const { values } = readSeries(await readFile(ECG), model.columns);
    const heads = await graphHeads(prepared, fitted, params);
    expect(await measureParity(model, heads, prepared, params, values)).to.be.below(1e-4);
  });

  it('gives the same for several columns', async () => {
    const params = quickParams();
    const { fitted, prepared, bytes } = await trainQuickly(params, csvOf('a,b', twoColumns(2000)));
    const model = await Model.create(parseModelFile(bytes));
    const { values } = readSeries(csvOf('a,b', twoColumns(700)), model.columns);
    const heads = await graphHeads(prepared, fitted, params);
    expect(await measureParity(model, heads, prepared, params, values)).to.be.below(1e-3);
  });

  it('gives the same bytes for the same seed, and other prototypes for another', async () => {
    const [once, again, other] = [
      await trainQuickly(),
      await trainQuickly(),
      await trainQuickly(quickParams({ seed: 7 })),
    ];
    expect(Buffer.compare(once.bytes, again.bytes)).to.equal(0);
    expect(other.fitted.whole[0].prototypes).to.not.deep.equal(once.fitted.whole[0].prototypes);
  });

  it('brings the prototypes nearer to the training windows with every epoch', async () => {
    const { epochs } = await trainQuickly(quickParams({ epochs: 4 }));
    const losses = epochs.map(({ loss }) => loss);
    expect(losses).to.deep.equal([...losses].sort((a, b) => b - a));
    expect(losses[3]).to.be.below(0.9 * losses[0]);
  });

  it('calibrates on errors of points that the fit has not seen, all of them', async () => {
    const { prepared, fitted, bytes } = await trainQuickly();
    const { calibration } = (await Model.create(parseModelFile(bytes))).metadata;
    expect(calibration.points).to.equal(12_000);
    expect(fitted.without).to.have.lengthOf(prepared.blocks.length);
    expect(fitted.without[0][0].prototypes).to.not.deep.equal(fitted.without[1][0].prototypes);
  });

  it('tells in the model what it was made from', async () => {
    const csv = await readFile('model_creation/data/train.csv');
    const { provenance, columns, metrics, heads } = (await Model.create(parseModelFile((await trainQuickly()).bytes)))
      .metadata;
    expect(provenance).to.include({ dataSha256: sha256Of(csv), trainingPoints: 12_000, seed: 42, date: '2026-11-23' });
    expect(columns).to.deep.equal([{ name: 'value', min: -79, max: 344 }]);
    expect(heads.map(({ window }) => window)).to.deep.equal([27, 54, 108, 108]);
    expect(metrics).to.have.all.keys('epochs', 'loss', 'validationLoss', 'largestRelativeDifference');
  });

  it('finds what is wrong in a column though the columns do not keep step with each other', async () => {
    const rows = (from: number, odd: number) =>
      Array.from({ length: 3000 }, (_, i) => {
        const k = from + i;
        return `${Math.sin(k / 8)},${Math.abs(i - odd) < 15 ? 0 : Math.sin(k / 13.7)},${Math.sin(k / 21.3)}`;
      });
    const model = await loaded(csvOf('a,b,c', rows(0, -100)));
    const { verdict } = await detect(csvOf('a,b,c', rows(4000, 2000)), model);
    expect(verdict.anomalies).to.have.length(1);
    expect(verdict.anomalies[0].peak).to.be.within(1960, 2040);
    expect(verdict.anomalies[0].columns[0].column).to.equal('b');
  });

  it('finds where columns that belong together no longer do, though each of them looks as ever', async () => {
    const rows = (shift: number) =>
      Array.from({ length: 3000 }, (_, i) => {
        // From point 2,000 on the second column is late; the way there is slow enough to be no break.
        const late = shift * Math.min(1, Math.max(0, (i - 1500) / 500));
        return `${Math.sin(i / 8)},${Math.cos(i / 8 - late)}`;
      });
    const model = await loaded(csvOf('a,b', rows(0)));
    expect((await detect(csvOf('a,b', rows(0)), model)).verdict.anomalies).to.have.length(0);
    const { isAnomaly } = await detect(csvOf('a,b', rows(Math.PI / 2)), model);
    expect(isAnomaly.slice(2100, 2900)).to.deep.equal(new Uint8Array(800).fill(1));
    expect(isAnomaly.slice(0, 1400)).to.deep.equal(new Uint8Array(1400));
  });

  it('finds in a column what it has not seen there, and blames that column', async () => {
    const model = await loaded(csvOf('a,b', twoColumns(3000)));
    const rows = twoColumns(600);
    for (let i = 300; i < 310; i++) rows[i] = `${rows[i].split(',')[0]},-1500`;
    const { verdict } = await detect(csvOf('a,b', rows), model);
    const worst = verdict.anomalies.reduce((a, b) => (b.error > a.error ? b : a));
    expect(worst.peak).to.be.within(280, 330);
    expect(worst.columns[0].column).to.equal('b');
  });

  const offsets: [name: string, scale: number, offset: number][] = [
    ['near a billion', 1, 1e9],
    ['as small as a billionth', 1e-9, 0],
    ['as large as a billion', 1e9, 0],
  ];
  for (const [name, scale, offset] of offsets) {
    it(`finds an anomaly in values ${name}`, async () => {
      const rows = Array.from({ length: 2000 }, (_, i) => offset + scale * Math.sin(i / 5));
      const model = await loaded(csvOf('value', rows));
      const test = rows.slice(0, 600).map((value, i) => (i >= 300 && i < 330 ? offset + scale * 0.2 : value));
      const { verdict } = await detect(csvOf('value', test), model);
      expect(verdict.anomalies.some(({ start, end }) => start <= 330 && end >= 300)).to.equal(true);
      expect(verdict.anomalousPoints).to.be.below(150);
    });
  }

  it('takes a column that never changed in training, and finds where it does', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => `${Math.sin(i / 5)},0.1`);
    const model = await loaded(csvOf('a,b', rows));
    const test = rows.slice(0, 600).map((row, i) => (i >= 300 && i < 320 ? row.replace(/,.*/, ',0.2') : row));
    const { verdict } = await detect(csvOf('a,b', test), model);
    const worst = verdict.anomalies.reduce((a, b) => (b.error > a.error ? b : a));
    expect(worst.peak).to.be.within(270, 350);
    expect(worst.columns[0].column).to.equal('b');
    expect((await detect(csvOf('a,b', rows.slice(0, 600)), model)).verdict.anomalousPoints).to.be.below(20);
  });

  it('takes a series of 200 points', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => Math.sin(i / 3));
    const { verdict } = await detect(csvOf('value', rows), await loaded(csvOf('value', rows)));
    expect(verdict.threshold).to.be.finite;
  });

  it('says how many points it needs', async () => {
    const csv = Buffer.from(Array.from({ length: 100 }, (_, i) => i % 7).join('\n'));
    const { message } = await expectAppError('TOO_FEW_POINTS', () => prepare(csv, quickParams()));
    expect(message).to.include('100 points').and.to.include('at least 128');
  });

  it('says that a series which never changes has no shape to learn', async () => {
    const { message } = await expectAppError('CONSTANT_SERIES', () =>
      prepare(Buffer.from('0.1\n'.repeat(500)), quickParams()),
    );
    expect(message).to.include('"value" never changes');
  });
});

describe('the period of a series', () => {
  const wave = (length: number, points: number) =>
    Float64Array.from({ length: points }, (_, i) => Math.sin((2 * Math.PI * i) / length) + i / 1000);

  it('is found beneath a trend', () => {
    expect(findPeriod(wave(50, 2000), LIMITS)).to.be.within(49, 51);
  });

  it('is clipped to the limits, and to an eighth of the series', () => {
    expect(findPeriod(wave(5, 2000), LIMITS)).to.be.within(16, 20);
    expect(findPeriod(wave(300, 1000), LIMITS)).to.be.at.most(125);
  });

  it('is the fallback where there is none', () => {
    expect(
      findPeriod(
        Float64Array.from({ length: 1000 }, (_, i) => i),
        LIMITS,
      ),
    ).to.equal(64);
  });
});
