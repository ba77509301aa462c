import { expect } from 'chai';
import { calibrate, errorAtPercentile, rankOf } from '../../src/detection/calibration.js';

const errors = Float32Array.from({ length: 100_001 }, (_, i) => (100_000 - i) / 1000);
const calibration = calibrate(errors);

describe('calibration', () => {
  it('knows the percentiles of the normal errors, in the tail to the thousandth', () => {
    for (const percentile of [0, 50, 90, 99, 99.9, 99.95, 99.987, 99.99, 100]) {
      expect(errorAtPercentile(calibration, percentile)).to.be.closeTo(percentile, 1e-3);
    }
  });

  it('interpolates between them', () => {
    expect(errorAtPercentile(calibration, 42.42)).to.be.closeTo(42.42, 1e-3);
  });

  it('tells the share of normal errors below an error', () => {
    expect(rankOf(calibration, 99.93)).to.be.closeTo(0.9993, 1e-6);
    expect(rankOf(calibration, 1e9)).to.equal(1);
    expect(rankOf(calibration, 0)).to.equal(0);
  });

  it('keeps percentiles and errors in rising order', () => {
    const rises = (list: number[]) => list.every((value, i) => i === 0 || value >= list[i - 1]);
    expect(rises(calibration.percentiles) && rises(calibration.errors)).to.equal(true);
    expect(new Set(calibration.percentiles).size).to.equal(calibration.percentiles.length);
  });
});
