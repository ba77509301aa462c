import { expect } from 'chai';
import { median, percentile, ratio } from '../../bench/speed/statistics.js';

describe('the statistics of the benchmark', () => {
  it('take the middle of the runs, or the mean of the two in the middle, in any order', () => {
    expect(median([9, 1, 5])).to.equal(5);
    expect(median([10, 1, 4, 2])).to.equal(3);
    expect(median([])).to.equal(undefined);
  });

  it('take as a percentile the smallest value that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentile(hundred, 0.99)).to.equal(99);
    expect(percentile(hundred, 0.5)).to.equal(50);
    expect(percentile([7], 0.99)).to.equal(7);
    expect(percentile([], 0.5)).to.equal(undefined);
  });

  it('know no ratio where one side was not measured', () => {
    expect(ratio(6, 4)).to.equal(1.5);
    expect(ratio(undefined, 4)).to.equal(undefined);
    expect(ratio(6, undefined)).to.equal(undefined);
  });
});
