import { expect } from 'chai';
import type { Series } from '../../src/detection/series.js';
import { measureSampling } from '../../src/detection/timestamps.js';
import { Judge, verdictDefaults, type VerdictOptions } from '../../src/detection/verdict.js';
import type { ModelMetadata } from '../../src/inference/metadata.js';
import type { Reconstruction } from '../../src/inference/model.js';
import { madeUpMetadata } from '../support/models.js';

// The made-up normal errors are 0.001 to 1, so the 99th percentile is about 0.99.
const metadata = madeUpMetadata();

function seriesOf(values: Float64Array, columns: string[], changes: Partial<Series> = {}): Series {
  const length = values.length / columns.length;
  return { length, columns, values, missing: new Uint8Array(length), ...changes };
}

/** Judges a series in blocks of a few points. */
function judgeBlocks(
  series: Series,
  whole: Reconstruction,
  metadata: ModelMetadata,
  options: VerdictOptions,
  points: number,
) {
  const { columns, length, timestamps } = series;
  const own = options.reference === 'request' ? whole.error : undefined;
  const judge = new Judge({ columns, sampling: timestamps && measureSampling(timestamps) }, metadata, options, own);
  const judged = [];
  for (let from = 0; from < length; from += points) {
    const to = Math.min(from + points, length);
    const rows = <T extends { subarray(from: number, to: number): T }>(array: T, width = 1) =>
      array.subarray(from * width, to * width);
    const block = { length: to - from, values: rows(series.values, columns.length), missing: rows(series.missing) };
    const reconstruction = {
      error: rows(whole.error),
      columnError: rows(whole.columnError, columns.length),
      expected: rows(whole.expected, columns.length),
    };
    judged.push(...judge.add({ ...block, timestamps: timestamps?.slice(from, to), reconstruction }));
  }
  judged.push(...judge.end());
  return { ...judge.verdict, isAnomaly: judged.flatMap(({ isAnomaly }) => [...isAnomaly]) };
}

/** Judges a series, and sees that it is judged the same in one block and in many. */
function judge(series: Series, whole: Reconstruction, metadata: ModelMetadata, options: VerdictOptions = {}) {
  const verdict = judgeBlocks(series, whole, metadata, options, series.length);
  for (const points of [1, 2, 3]) {
    expect(judgeBlocks(series, whole, metadata, options, points), `blocks of ${points}`).to.deep.equal(verdict);
  }
  return verdict;
}

function judgeErrors(errors: number[], options = {}, changes: Partial<Series> = {}) {
  const length = errors.length;
  const series = seriesOf(new Float64Array(length), ['value'], changes);
  const error = Float32Array.from(errors);
  return judge(series, { error, columnError: error, expected: new Float64Array(length) }, metadata, options);
}

describe('the verdict', () => {
  it('flags the points whose error is above the threshold, as intervals with their peak', () => {
    const verdict = judgeErrors([0.5, 2, 3, 0.2, 0.1, 5, 0.3, 1.5]);
    expect(verdict.isAnomaly).to.deep.equal([0, 1, 1, 0, 0, 1, 0, 1]);
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
    const series = seriesOf(new Float64Array(4), ['a', 'b']);
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

  it('tells the range of the training data without digits that say nothing', () => {
    const ranges: [min: number, max: number, told: string][] = [
      [999_999_994.928313, 1_000_000_005.0716869, '(999999994.93 to 1000000005.07)'],
      [9.804933049220845e-10, 1.2000000000004e-9, '(9.805e-10 to 1.2e-9)'],
      [-79, 344, '(-79 to 344)'],
      [0.1 + 0.2, 0.1 + 0.2, '(0.30000000000000004 to 0.30000000000000004)'],
      [-1_234_567_890.4, 1_234_567_890.6, '(-1234567890 to 1234567891)'],
    ];
    for (const [min, max, told] of ranges) {
      const model = madeUpMetadata({ columns: [{ name: 'value', min, max }] });
      const none = { error: new Float32Array(2), columnError: new Float32Array(2), expected: new Float64Array(2) };
      const { warnings } = judge(seriesOf(Float64Array.of(1e12, 1e12), ['value']), none, model);
      expect(warnings[0].message).to.include(told);
    }
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
    const series = seriesOf(new Float64Array(1), ['value']);
    const error = Float32Array.of(0.5);
    const { anomalies } = judge(series, { error, columnError: error, expected: new Float64Array(1) }, flat);
    expect(Number.isFinite(anomalies[0].score)).to.equal(true);
  });

  describe('does what the caller asks for:', () => {
    const errors = [0, 3, 0, 0, 3, 0, 0, 0, 3, 0];
    const values = Float64Array.of(0, 5, 0, 0, -4, 0, 0, 0, 0.5, 0);
    const starts = (options: VerdictOptions) =>
      judgeErrors(errors, options, { values }).anomalies.map(({ start, end }) => [start, end]);

    it('a margin', () => {
      expect(judgeErrors(errors, { margin: 2 }).threshold).to.be.closeTo(1.98, 0.003);
      expect(starts({ margin: 4 })).to.deep.equal([]);
    });

    it('intervals in which the value goes above or below what was expected', () => {
      expect(starts({})).to.deep.equal([
        [1, 1],
        [4, 4],
        [8, 8],
      ]);
      expect(starts({ detectionDirection: 'above' })).to.deep.equal([
        [1, 1],
        [8, 8],
      ]);
      expect(starts({ detectionDirection: 'below' })).to.deep.equal([[4, 4]]);
    });

    it('intervals that deviate enough, in the units of the input', () => {
      expect(starts({ minDeviation: 1 })).to.deep.equal([
        [1, 1],
        [4, 4],
      ]);
      expect(judgeErrors(errors, {}, { values }).anomalies.map(({ deviation }) => deviation)).to.deep.equal([
        5, -4, 0.5,
      ]);
    });

    it('intervals joined where few points lie between them', () => {
      expect(starts({ mergeGap: 2 })).to.deep.equal([
        [1, 1],
        [4, 4],
        [8, 8],
      ]);
      expect(starts({ mergeGap: 3 })).to.deep.equal([
        [1, 4],
        [8, 8],
      ]);
      const { isAnomaly } = judgeErrors(errors, { mergeGap: 3 }, { values });
      expect(isAnomaly).to.deep.equal([0, 1, 1, 1, 1, 0, 0, 0, 1, 0]);
    });

    it('the percentile of the errors of the request itself', () => {
      const large = Array.from({ length: 1000 }, (_, i) => 1000 + i);
      expect(judgeErrors(large).anomalousPoints).to.equal(1000);
      const { anomalousPoints, anomalies } = judgeErrors(large, { reference: 'request', percentile: 99 });
      expect([anomalousPoints, anomalies[0].start]).to.deep.equal([10, 990]);
    });

    it('a margin that is the model’s for training errors, and none for those of the request itself', () => {
      const metadata = { defaults: { percentile: 99, margin: 1.5 } };
      expect(verdictDefaults(metadata)).to.deep.equal({ percentile: 99, margin: 1.5 });
      expect(verdictDefaults(metadata, 'training')).to.deep.equal({ percentile: 99, margin: 1.5 });
      expect(verdictDefaults(metadata, 'request')).to.deep.equal({ percentile: 99, margin: 1 });
    });

    it('points without a value, which are no anomalies otherwise', () => {
      const missing = Uint8Array.of(0, 1, 0, 0, 0, 0, 1, 0, 0, 0);
      const ask = (options: VerdictOptions) =>
        judgeErrors(errors, options, { values, missing }).anomalies.map(({ start }) => start);
      expect(ask({})).to.deep.equal([4, 8]);
      expect(ask({ missing: 'flag' })).to.deep.equal([1, 4, 6, 8]);
    });
  });

  it('hands blocks on at once where every interval counts, and else once their interval has ended', () => {
    const [block, width] = [10, 1];
    const handedOn = (options: VerdictOptions) => {
      const judging = new Judge({ columns: ['value'] }, metadata, options);
      return [0, 5, 5, 5, 0].map((error) => {
        const errors = new Float32Array(block).fill(error);
        const reconstruction = { error: errors, columnError: errors, expected: new Float64Array(block * width) };
        const values = new Float64Array(block * width).fill(1);
        return judging.add({ length: block, values, missing: new Uint8Array(block), reconstruction }).length;
      });
    };
    expect(handedOn({})).to.deep.equal([1, 1, 1, 1, 1]);
    expect(handedOn({ detectionDirection: 'above' })).to.deep.equal([1, 0, 0, 0, 4]);
    expect(handedOn({ mergeGap: 20 })).to.deep.equal([1, 1, 1, 1, 0]);
  });

  it('flags the first point after a gap between timestamps where gaps are asked for, and only then', () => {
    const timestamps = [0, 10, 20, 500, 510, 520].map((second) => String(1_700_000_000 + second));
    expect(judgeErrors([0, 0, 0, 0, 0, 0], {}, { timestamps }).anomalousPoints).to.equal(0);
    const { anomalies } = judgeErrors([0, 0, 0, 0, 0, 0], { missing: 'flag' }, { timestamps });
    expect(anomalies.map(({ start, end }) => [start, end])).to.deep.equal([[3, 3]]);
  });

  it('sees gaps beside a timestamp that is missing or cannot be read, and none where there is none', () => {
    const gapsIn = (...timestamps: string[]) => {
      const errors = timestamps.map(() => 0);
      return judgeErrors(errors, { missing: 'flag' }, { timestamps }).anomalies.map(({ start }) => start);
    };
    const at = (second: number) => String(1_700_000_000 + second);
    expect(gapsIn(at(0), at(10), '', at(30), at(40), 'soon', at(60))).to.deep.equal([]);
    expect(gapsIn(at(0), at(10), '', at(90), at(100), at(110), at(120))).to.deep.equal([3]);
  });

  it('warns where every timestamp comes twice', () => {
    const timestamps = Array.from({ length: 20 }, (_, i) => String(1_700_000_000 + 60 * Math.floor(i / 2)));
    const { warnings } = judgeErrors(
      timestamps.map(() => 0),
      {},
      { timestamps },
    );
    expect(warnings.map(({ code }) => code)).to.deep.equal(['IRREGULAR_TIMESTAMPS']);
    expect(warnings[0].message).to.match(/^10 of 19 steps .* median of 60 s/);
  });

  it('reads timestamps as ISO 8601 has them, to the hour or without colons or with a zone of hours', () => {
    const forms: ((minute: string) => string)[] = [
      (minute) => `2024-01-01T10${minute}`,
      (minute) => `2024-01-01 10${minute}30Z`,
      (minute) => `2024-01-01 10:${minute}:00+02`,
      (minute) => `2024-01-01 10:${minute}:00,5 +0200`,
      (minute) => `2024-01-01T${minute}`,
    ];
    for (const form of forms) {
      const timestamps = ['00', '05', '10', '20'].map(form);
      expect(measureSampling(timestamps)?.interval, timestamps[0]).to.be.oneOf([300, 18_000]);
    }
    expect(measureSampling(['-120', '-60', '0']), 'before 1970').to.deep.equal({ interval: 60 });
    expect(measureSampling(['0,5', '1,0', '1,5']), 'with decimal commas').to.deep.equal({ interval: 0.5 });
    expect(measureSampling(['1/31/2024', '2/1/2024', '2/2/2024']), 'as people write dates').to.equal(undefined);
  });

  it('warns of missing values, of irregular timestamps, of another sampling interval, and of a percentile that the data cannot show', () => {
    const codes = (options: VerdictOptions, changes: Partial<Series>, trained?: number) => {
      const series = seriesOf(new Float64Array(3), ['value'], changes);
      const error = new Float32Array(3);
      const reconstruction = { error, columnError: error, expected: new Float64Array(3) };
      return judge(series, reconstruction, { ...metadata, samplingInterval: trained }, options).warnings.map(
        (w) => w.code,
      );
    };
    expect(codes({}, {})).to.deep.equal([]);
    expect(codes({}, { missing: Uint8Array.of(0, 1, 0) })).to.deep.equal(['MISSING_VALUES']);
    const timestamps = ['2024-01-01T00:00:00Z', '2024-01-01T00:05:00Z', '2024-01-01T00:10:00Z'];
    expect(codes({}, { timestamps }, 300)).to.deep.equal([]);
    expect(codes({}, { timestamps }, 60)).to.deep.equal(['SAMPLING_INTERVAL_DIFFERS']);
    const irregular = ['2024-01-01 00:00', '2024-01-01 00:05', '2024-01-01 02:10'];
    expect(codes({}, { timestamps: irregular })).to.deep.equal(['IRREGULAR_TIMESTAMPS']);
    const unread = ['2024-01-01 00:00', 'soon', '2024-01-01 00:10'];
    expect(codes({}, { timestamps: unread })).to.deep.equal(['TIMESTAMPS_NOT_READ']);
    expect(codes({ percentile: 99.9 }, {})).to.deep.equal([]);
    expect(codes({ percentile: 99.95 }, {})).to.deep.equal(['PERCENTILE_BEYOND_DATA']);
  });
});
