import { expect } from 'chai';
import { calibrate } from '../../src/detection/calibration.js';
import { bandsOf, runsOf } from '../../src/page/bands.js';
import { measure, reading, tickLabel } from '../../src/page/format.js';
import { withDecimalPoint } from '../../src/page/options-form.js';
import { Pyramid, pyramidOf, thin } from '../../src/page/pyramid.js';
import { errorOfScoreOne, scoreAxis } from '../../src/page/score-axis.js';
import { ticksOf } from '../../src/detection/ticks.js';
import { Times, packTimes } from '../../src/page/times.js';
import { around, pan, pointsIn, showsAll, showsLeast, wholeOf, zoom } from '../../src/page/view.js';

const MILLION = 1_000_000;

describe('what the page draws', () => {
  const noise = Float64Array.from({ length: MILLION }, (_, i) => Math.sin(i / 50) + Math.sin(i * 12.9898) / 4);
  noise[777_777] = 40;
  noise[123_456] = -40;
  const pyramid = new Pyramid(noise);

  it('is thinned to what its pixels can show, and keeps each peak where it is', () => {
    for (const [from, to] of [
      [0, MILLION - 1],
      [100_000, 800_000.5],
      [777_000, 779_000],
      [123_400, 123_500],
    ]) {
      const [places, values] = thin([pyramid], from, to, 800);
      expect(places.length, `${from} to ${to}`)
        .to.equal(values.length)
        .and.to.be.below(800 * 3);
      const inView = noise.subarray(Math.ceil(from), Math.floor(to) + 1);
      const largest = inView.reduce((a, b) => Math.max(a, b));
      const at = places[values.indexOf(largest)];
      expect(Math.abs(at - noise.indexOf(largest))).to.be.below(Math.max(1, (2 * (to - from)) / 800));
      expect(Math.min(...values)).to.be.at.most(inView.reduce((a, b) => Math.min(a, b)));
    }
  });

  it('is every point where there is room for it', () => {
    const [places, values] = thin([pyramid], 500, 599, 800);
    expect([...places]).to.deep.equal(Array.from({ length: 102 }, (_, k) => 499 + k));
    expect([...values]).to.deep.equal([...noise.subarray(499, 601)]);
  });

  it('has the extremes of every run, of whatever length and at the end of the series', () => {
    const values = Float64Array.from({ length: 1003 }, (_, i) => (i * 7919) % 1000);
    const own = new Pyramid(values);
    for (const step of [1, 2, 8, 64, 512]) {
      const last = Math.floor(1002 / step);
      const runs = own.extremes(0, last, step);
      for (let run = 0; run <= last; run++) {
        const part = values.subarray(run * step, (run + 1) * step);
        expect([runs[run * 2], runs[run * 2 + 1]], `${step}: ${run}`).to.deep.equal([
          Math.min(...part),
          Math.max(...part),
        ]);
      }
    }
  });
});

describe('the bands of flagged intervals', () => {
  const edges: [number, number] = [0, 1000];
  const drawn = (runs: [number, number][], points: number) =>
    bandsOf(
      runs.map(([start, end]) => ({ start, end })),
      (point) => (point / (points - 1)) * 1000,
      2,
      edges,
    ).map(({ left, right }) => [left, right]);

  it('stay where their intervals are, however many thin ones lie side by side', () => {
    // One point of every four, ten points a pixel: each band would be wider than what it is of.
    const runs = Array.from({ length: 250 }, (_, k): [number, number] => [k * 4, k * 4]);
    const bands = drawn(runs, 10_001);
    expect(bands.at(-1)?.[1]).to.be.within(99, 102);
    const apart = Array.from({ length: 50 }, (_, k): [number, number] => [k * 200 + 100, k * 200 + 100]);
    for (const [k, [left, right]] of drawn(apart, 10_001).entries()) {
      expect(left, `band ${k}`).to.be.closeTo(k * 20 + 9.95, 1e-9);
      expect(right - left, `band ${k}`).to.be.closeTo(2, 1e-9);
    }
  });

  it('cover half a point beyond either end, and reach both edges of the picture', () => {
    expect(drawn([[3, 5]], 11)).to.deep.equal([[250, 550]]);
    expect(
      drawn(
        [
          [0, 0],
          [10, 10],
        ],
        11,
      ),
    ).to.deep.equal([
      [0, 50],
      [950, 1000],
    ]);
    expect(drawn([[0, 0]], 1_000_001)[0][1]).to.be.above(1.9);
  });

  it('are left out beyond the edges, and paint no place twice', () => {
    expect(
      drawn(
        [
          [-9, -5],
          [2, 2],
          [20, 30],
        ],
        11,
      ),
    ).to.deep.equal([[150, 250]]);
    const bands = drawn(
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
      10_001,
    );
    expect(bands).to.have.lengthOf.within(1, 3);
    for (const [k, [left]] of bands.slice(1).entries()) expect(left).to.be.at.least(bands[k][1]);
  });
});

describe('the stretches without values', () => {
  it('are the runs of points that are marked', () => {
    expect(runsOf(Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 1))).to.deep.equal([
      { start: 0, end: 1 },
      { start: 3, end: 3 },
      { start: 6, end: 7 },
    ]);
    expect(runsOf(new Uint8Array(5))).to.deep.equal([]);
  });
});

describe('numbers in the page', () => {
  const labels = (step: number, ...values: number[]) => values.map((value) => tickLabel(value, step));

  it('differ at neighbouring ticks, and have as many decimals as their step', () => {
    expect(labels(2, 1e9 - 2, 1e9, 1e9 + 2)).to.deep.equal(['999,999,998', '1,000,000,000', '1,000,000,002']);
    expect(labels(0.5, 1012.5, 1013)).to.deep.equal(['1,012.5', '1,013.0']);
    expect(labels(2.5, 0, 2.5, 5)).to.deep.equal(['0.0', '2.5', '5.0']);
    expect(labels(0.25, 0.25, 0.5)).to.deep.equal(['0.25', '0.50']);
    expect(labels(2500, -2500, 0, 2500)).to.deep.equal(['-2,500', '0', '2,500']);
    expect(labels(0.05, -1e-17, 0.1)).to.deep.equal(['0.00', '0.10']);
    expect(labels(2e-10, 0, 8e-10, 1.2e-9)).to.deep.equal(['0', '8e-10', '1.2e-9']);
    expect(labels(2e15, 2e15, 1e16)).to.deep.equal(['2e+15', '1.0e+16']);
    expect(labels(2e-7, 5, 5.0000002)).to.deep.equal(['5.0000000', '5.0000002']);
  });

  it('are read finer than the ticks, without zeros that say nothing', () => {
    expect(reading(1013.25, 1)).to.equal('1,013.25');
    expect(reading(999_999_994.928313, 2)).to.equal('999,999,994.928');
    expect(reading(-79.0449, 100)).to.equal('-79');
    expect(reading(-79.26, 100)).to.equal('-79.3');
    expect(reading(-1e-9, 1)).to.equal('0');
    expect(reading(9.804933049220845e-10, 2e-10)).to.equal('9.805e-10');
    expect(reading(NaN, 1)).to.equal('');
  });

  it('are read with a decimal comma, but not with one that may set thousands apart', () => {
    const read = (text: string, mayBeLarge = true) => withDecimalPoint(text, mayBeLarge);
    expect(['99,5', ',5', '-0,125', '1,5'].map((text) => read(text))).to.deep.equal(['99.5', '.5', '-0.125', '1.5']);
    expect(['1,000', '12,345,678', '1.5', 'above', '1,2,3'].map((text) => read(text))).to.deep.equal([
      ...['1,000', '12,345,678', '1.5', 'above', '1,2,3'],
    ]);
    expect(read('99,995', false)).to.equal('99.995');
  });

  it('are never cut to a letter', () => {
    expect(['7.272', '1,235,000,000', '1.23e-5', '4.00e+15']).to.deep.equal(
      [7.2718, 1_234_567_890, 0.0000123, 4e15].map(measure),
    );
  });
});

describe('the axis of scores', () => {
  const calibration = calibrate(Float32Array.from({ length: 1000 }, (_, i) => i / 1000));

  it('reaches from what is normal to beyond the threshold, wherever that is', () => {
    for (const threshold of [0, 1e-9, 0.5, 1, 1e6]) {
      const { range, splits, label } = scoreAxis(calibration, () => threshold);
      const [low, high] = range();
      const one = errorOfScoreOne(threshold);
      expect(one, `${threshold}`).to.be.within(low, high);
      expect(high).to.be.above(1);
      expect(low).to.be.above(0);
      expect(splits().map(label)).to.include('1');
    }
    expect(errorOfScoreOne(0.5)).to.equal(0.5);
  });
});

describe('the pyramid of a column', () => {
  it('is made once for as long as its values live', () => {
    const values = Float64Array.of(1, 10, 2, 20, 3, 30);
    const second = pyramidOf(values, 2, 1);
    expect([...second.values]).to.deep.equal([10, 20, 30]);
    expect(pyramidOf(values, 2, 1)).to.equal(second);
    expect(pyramidOf(values, 2, 0)).to.not.equal(second);
    expect(pyramidOf(values.slice(), 2, 1)).to.not.equal(second);
  });
});

describe('moving about in the page', () => {
  it('keeps the point under the pointer where it is while zooming', () => {
    const view = zoom({ from: 100, to: 300 }, 0.5, 150, 1000);
    expect(view).to.deep.equal({ from: 125, to: 225 });
    expect((150 - view.from) / (view.to - view.from)).to.equal((150 - 100) / 200);
  });

  it('never leaves the series, nor shows less than can be seen', () => {
    expect(pan({ from: 900, to: 999 }, 500, 1000)).to.deep.equal({ from: 900, to: 999 });
    expect(pan({ from: 10, to: 20 }, -500, 1000)).to.deep.equal({ from: 0, to: 10 });
    expect(zoom(wholeOf(1000), 3, 500, 1000)).to.deep.equal(wholeOf(1000));
    const closest = zoom({ from: 100, to: 120 }, 1e-6, 110, 1000);
    expect(closest.to - closest.from).to.equal(16);
    expect([showsLeast(closest, 1000), showsLeast({ from: 0, to: 17 }, 1000)]).to.deep.equal([true, false]);
    expect(zoom(wholeOf(5), 0.1, 2, 5)).to.deep.equal(wholeOf(5));
  });

  it('comes back to all where it zooms in and as far out again', () => {
    let view = wholeOf(1_000_000);
    for (const factor of [0.7, 0.3, 0.11]) view = zoom(view, factor, 777_777, 1_000_000);
    for (const factor of [0.3, 0.7, 0.11]) view = zoom(view, 1 / factor, 777_777, 1_000_000);
    expect(view).to.deep.equal(wholeOf(1_000_000));
    expect(pointsIn({ from: 1e-9, to: 41.999_999_9 })).to.deep.equal([0, 42]);
    expect(pointsIn({ from: 0.5, to: 41.5 })).to.deep.equal([1, 41]);
  });

  it('shows an interval with what is around it, at the ends of the series too', () => {
    expect(around(500, 600, 10_000)).to.deep.equal({ from: 300, to: 800 });
    expect(around(0, 10, 10_000).from).to.equal(0);
    expect(showsAll(around(0, 99, 100), 100)).to.equal(true);
  });
});

describe('times in the page', () => {
  const everyFive = (length: number, from = Date.UTC(2024, 2, 22)) =>
    Float64Array.from({ length }, (_, i) => from / 1000 + i * 300);

  it('are marked where they are round, with the day where it changes', () => {
    expect(ticksOf(100, 400, 8, everyFive(6390))).to.deep.equal([
      { place: 144, label: '12:00\n22 Mar 2024' },
      { place: 216, label: '18:00' },
      { place: 288, label: '00:00\n23 Mar 2024' },
      { place: 360, label: '06:00' },
    ]);
    expect(ticksOf(0, 104_832, 8, everyFive(104_833)).map(({ label }) => label)).to.deep.equal([
      'Apr\n2024',
      'Jul',
      'Oct',
      'Jan\n2025',
    ]);
  });

  it('that cannot be read leave round numbers of points', () => {
    expect(ticksOf(0, 27_999, 8).map(({ label }) => label)).to.deep.equal([
      '0',
      '5,000',
      '10,000',
      '15,000',
      '20,000',
      '25,000',
    ]);
  });

  it('are read by the clock that they were written by', () => {
    const packed = packTimes(['2024-03-01T10:00:00+02:00', '2024-03-01 10:00:01,5', '2024-03-02']);
    const [first] = packed.seconds ?? [];
    expect(packed.seconds?.map((second) => second - first)).to.deep.equal(Float64Array.of(0, 1.5, 50_400));
    expect(new Date(first * 1000).toISOString()).to.equal('2024-03-01T10:00:00.000Z');
    expect(packTimes(['1709287200', '1709287260']).seconds).to.deep.equal(
      Float64Array.of(1_709_287_200, 1_709_287_260),
    );
    expect(packTimes(['1709287200000', '1709287260000']).seconds).to.deep.equal(
      Float64Array.of(1_709_287_200, 1_709_287_260),
    );
  });

  it('keep the words that they came in, and are not read where they fall', () => {
    const labels = ['2024-03-01', 'März', '2024-02-01'];
    const times = new Times(packTimes(labels));
    expect(labels.map((_, i) => times.label(i))).to.deep.equal(labels);
    expect(times.seconds).to.equal(undefined);
    expect(labels.map((_, i) => times.name(i))).to.deep.equal(labels);
    expect(packTimes(['2024-03-02', '2024-03-01']).seconds).to.equal(undefined);
  });

  it('have readable names where they are epochs', () => {
    const epochs = new Times(packTimes(['1709287200', '1709287260.5']));
    expect([epochs.name(0), epochs.name(1)]).to.deep.equal(['2024-03-01 10:00:00', '2024-03-01 10:01:00.500']);
    expect(new Times(packTimes(['2024-03-01T10:00Z'])).name(0)).to.equal('2024-03-01T10:00Z');
  });
});
