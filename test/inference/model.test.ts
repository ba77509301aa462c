import { readFile } from 'node:fs/promises';
import { toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { ModelProtoSchema } from 'onnx-buf';
import { readSeries } from '../../src/detection/series.js';
import { readMetadata } from '../../src/inference/metadata.js';
import { Model } from '../../src/inference/model.js';
import { parseModelFile, readModelFile } from '../../src/inference/model-file.js';
import { OnnxGraph } from '../../model_creation/onnx.js';
import { expectAppError } from '../support/errors.js';
import { meanModel, meanModelBytes, meanReference } from '../support/models.js';

function randomWalk(points: number, width: number): Float64Array {
  let state = 42;
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const values = new Float64Array(points * width);
  for (let k = 0; k < values.length; k++) values[k] = (k < width ? 0 : values[k - width]) + random() - 0.5;
  return values;
}

describe('a model file', () => {
  it('gives the errors that plain loops in double give', async () => {
    const scaling = [{ mean: 0.5, scale: 2 }];
    const values = randomWalk(500, 1);
    const { error, expected } = await (await meanModel(scaling, { window: 16 })).reconstruct(values);
    const reference = meanReference(values, scaling, 16);
    reference.error.forEach((value, i) => expect(error[i]).to.be.closeTo(value, 1e-5 * (1 + value)));
    reference.expected.forEach((value, i) => expect(expected[i]).to.be.closeTo(value, 1e-5));
  });

  it('gives them for each of several columns, of very different scales, and jointly', async () => {
    const scaling = [
      { mean: 0, scale: 1 },
      { mean: 1e9, scale: 3 },
      { mean: 0, scale: 1e-9 },
    ];
    const values = randomWalk(300, 3).map((value, k) => value * scaling[k % 3].scale + scaling[k % 3].mean);
    const { error, columnError, expected } = await (await meanModel(scaling, { window: 8 })).reconstruct(values);
    const reference = meanReference(values, scaling, 8);
    reference.columnError.forEach((value, k) => expect(columnError[k]).to.be.closeTo(value, 1e-5 * (1 + value)));
    reference.error.forEach((value, i) => expect(error[i]).to.be.closeTo(value, 1e-5 * (1 + value)));
    reference.expected.forEach((value, k) => {
      expect(expected[k]).to.be.closeTo(value, 1e-5 * scaling[k % 3].scale + Math.abs(value) * 1e-12);
    });
  });

  it('scores a series of one window, and each length around the chunks, point by point', async () => {
    const scaling = [{ mean: 0, scale: 1 }];
    const model = await meanModel(scaling, { window: 16 });
    for (const length of [16, 17, 2047, 2048, 2049, 2064, 4097]) {
      const values = randomWalk(length, 1);
      const { error } = await model.reconstruct(values);
      const reference = meanReference(values, scaling, 16);
      expect(error).to.have.lengthOf(length);
      reference.error.forEach((value, i) => expect(error[i]).to.be.closeTo(value, 1e-5 * (1 + value)));
    }
  });

  it('gives the same for a series scored chunk by chunk as for one scored whole', async () => {
    const model = await Model.create(await readModelFile('model/ecg/1/model.onnx'));
    const { values } = readSeries(await readFile('model_creation/data/test.csv'), model.columns);
    const chunked = await model.reconstruct(values);
    const whole = await model.reconstruct(values, { chunkPoints: values.length });
    // A matrix product of another number of rows may round the last bit of some of them differently.
    const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce(
        (largest, value, i) => Math.max(largest, Math.abs(value - b[i]) / (1e-3 + Math.abs(b[i]))),
        0,
      );
    expect(largestDifference(chunked.error, whole.error)).to.be.below(1e-5);
    expect(largestDifference(chunked.columnError, whole.columnError)).to.be.below(1e-5);
    expect(largestDifference(chunked.expected, whole.expected)).to.be.below(1e-5);
  });

  it('gives the same though the chunks start between its windows', async () => {
    const heads = [{ columns: ['value'], window: 16, stride: 3, normalised: false, prototypes: 1 }];
    const model = await meanModel([{ mean: 0, scale: 1 }], { window: 16, heads, alignment: 3 });
    const values = randomWalk(1000, 1);
    const whole = await model.reconstruct(values, { chunkPoints: 1000 });
    for (const chunkPoints of [50, 97, 333]) {
      expect((await model.reconstruct(values, { chunkPoints })).error).to.deep.equal(whole.error);
    }
  });

  it('says how many points it needs', async () => {
    const model = await meanModel([{ mean: 0, scale: 1 }], { window: 16 });
    const { message } = await expectAppError('TOO_FEW_POINTS', () => model.reconstruct(new Float64Array(15)));
    expect(message).to.include('15 points').and.to.include('at least 16');
  });

  it('tells how much of a series is done', async () => {
    const model = await meanModel([{ mean: 0, scale: 1 }]);
    const shares: number[] = [];
    await model.reconstruct(new Float64Array(10_000), { onProgress: (share) => shares.push(share) });
    expect(shares).to.deep.equal([0.2048, 0.4096, 0.6144, 0.8192, 1]);
  });

  it('passes its own probe, and fails it where errors are not finite', async () => {
    await (await meanModel([{ mean: 0, scale: 1 }])).probe();
    const broken = await meanModel([{ mean: NaN, scale: 1 }]);
    await expectAppError('INVALID_MODEL', () => broken.probe());
  });

  it('gives finite errors for the largest numbers there are', async () => {
    const { error } = await (
      await meanModel([{ mean: 0, scale: 1e-9 }])
    ).reconstruct(Float64Array.of(0, 1e308, -1e308, 0));
    expect(error.every(Number.isFinite)).to.equal(true);
    expect(error[1]).to.be.above(1e5);
  });

  it('is refused where it is missing, no ONNX file, or without our metadata', async () => {
    await expectAppError('INVALID_MODEL', () => readModelFile('no-such-file.onnx'));
    await expectAppError('INVALID_MODEL', () => readMetadata(Buffer.from('this is no model')));
    const uneven = { points: 2, percentiles: [0, 50, 100], errors: [0, 1] };
    expect(() => meanModelBytes([{ mean: 0, scale: 1 }], { calibration: uneven })).to.throw(/as many errors/);
    const foreign = toBinary(ModelProtoSchema, new OnnxGraph().toModel('foreign'));
    await expectAppError('INVALID_MODEL', () => readMetadata(foreign));
    const broken = {
      ...parseModelFile(meanModelBytes([{ mean: 0, scale: 1 }])),
      bytes: Buffer.from('this is no model'),
    };
    await expectAppError('INVALID_MODEL', () => Model.create(broken));
  });
});
