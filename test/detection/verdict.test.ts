import { expect } from 'chai';
import type { Series } from '../../src/detection/series.js';
import { judge } from '../../src/detection/verdict.js';
import { madeUpMetadata } from '../support/models.js';

// The made-up normal errors are 0.001 to 1, so the 99th percentile is about 0.99.
const metadata = madeUpMetadata();

function judgeErrors(errors: number[], options = {}, changes: Partial<Series> = {}) {
  const length = errors.length;
  const series: Series = { length, columns: ['value'], values: new Float64Array(length), layout: [], ...changes };
  const error = Float32Array.from(errors);
  return judge(series, { error, columnError: error, expected: new Float64Array(length) }, metadata, options);
}

describe('the verdict', () => {
  it('flags the points whose error is above the threshold, as intervals with their peak', () => {
    const verdict = judgeErrors([0.5, 2, 3, 0.2, 0.1, 5, 0.3, 1.5]);
    expect(Array.from(verdict.isAnomaly)).to.deep.equal([0, 1, 1, 0, 0, 1, 0, 1]);
    expect(verdict.anomalousPoints).to.equal(4);
    expect(verdict.anomalies.map(({ start, end, peak }) => [start, end, peak])).to.deep.equal([
      [1, 2, 2],
      [5, 5, 5],
      [7, 7, 7],
    ]);
  });

  it('takes the percentile and the margin of the model where the caller does not say', () => {
    const { percentile, margin, threshold } = judgeErrors([1]);
    expect([percentile, margin]).to.deep.equal([99, 1]);
    expect(threshold).to.be.closeTo(0.99, 0.002);
  });

  it('takes the percentile that the caller asks for', () => {
    const { percentile, threshold } = judgeErrors([1], { percentile: 50 });
    expect(percentile).to.equal(50);
    expect(threshold).to.be.closeTo(0.5, 0.002);
  });

  it('flags nothing at the threshold itself', () => {
    expect(judgeErrors([1], { percentile: 100 }).anomalousPoints).to.equal(0);
  });

  it('gives the score as error over threshold and the rank among normal errors', () => {
    const [anomaly] = judgeErrors([0.75], { percentile: 50 }).anomalies;
    expect(anomaly.score).to.be.closeTo(1.5, 0.005);
    expect(anomaly.rank).to.be.closeTo(0.75, 0.002);
  });

  it('names timestamps of an interval where there are any', () => {
    const timestamps = ['a', 'b', 'c', 'd'];
    const [anomaly] = judgeErrors([0, 2, 2, 0], {}, { timestamps }).anomalies;
    expect(anomaly).to.include({ startTimestamp: 'b', endTimestamp: 'c' });
  });

  it('blames the columns by their share of the error', () => {
    const series: Series = { length: 2, columns: ['a', 'b'], values: new Float64Array(4), layout: [] };
    const columnError = Float32Array.of(1, 3, 1, 3);
    const both = madeUpMetadata({ columns: ['a', 'b'].map((name) => ({ name, min: -1, max: 1 })) });
    const reconstruction = { error: Float32Array.of(2, 2), columnError, expected: new Float64Array(4) };
    const [anomaly] = judge(series, reconstruction, both).anomalies;
    expect(anomaly.columns).to.deep.equal([
      { column: 'b', share: 0.75 },
      { column: 'a', share: 0.25 },
    ]);
  });

  it('warns where values leave the range of the training data', () => {
    const values = Float64Array.of(0, 11, -10.5, 10);
    const { warnings } = judgeErrors([0, 0, 0, 0], {}, { values });
    expect(warnings.map(({ code }) => code)).to.deep.equal(['OUTSIDE_TRAINING_RANGE']);
    expect(warnings[0].message).to.include('-10 to 10').and.to.include('2 of 4 points');
  });

  it('warns where so much is flagged that the model does not fit', () => {
    const share = (flagged: number) => judgeErrors(Array.from({ length: 100 }, (_, i) => (i < flagged ? 2 : 0)));
    expect(share(10).warnings).to.deep.equal([]);
    expect(share(11).warnings.map(({ code }) => code)).to.deep.equal(['MODEL_DOES_NOT_FIT']);
    const half = judgeErrors([2, 2, 2, 2, 0], { percentile: 50 });
    expect(half.warnings.map(({ code }) => code)).to.deep.equal(['MODEL_DOES_NOT_FIT']);
  });

  it('stays finite where normal data gave no error at all', () => {
    const flat = madeUpMetadata({ calibration: { points: 2, percentiles: [0, 100], errors: [0, 0] } });
    const series: Series = { length: 1, columns: ['value'], values: new Float64Array(1), layout: [] };
    const error = Float32Array.of(0.5);
    const { anomalies } = judge(series, { error, columnError: error, expected: new Float64Array(1) }, flat);
    expect(Number.isFinite(anomalies[0].score)).to.equal(true);
  });
});
