import { expect } from 'chai';
import { type FigureKey, Figures } from '../../bench/speed/figures.js';
import { goalsTable } from '../../bench/speed/goals.js';
import { memoryKey } from '../../bench/speed/memory.js';
import { readOptions } from '../../bench/speed/options.js';
import { figure, markdown, times, whole } from '../../bench/speed/table.js';
import { secondsKey } from '../../bench/speed/throughput.js';

function reached(figures: Figures, what: string): string[] | undefined {
  return goalsTable(figures).rows.find(([name]) => name === what);
}

describe('the report of the benchmark', () => {
  it('writes tables as Markdown, with a dash for what was not measured', () => {
    const rows = [[whole(10_000_000), figure(0.012345), times(12.34), times(undefined)]];
    expect(markdown({ title: 'Title', header: ['a', 'b', 'c', 'd'], rows, note: 'Note.' })).to.equal(
      '### Title\n\n| a | b | c | d |\n| --- | --- | --- | --- |\n| 10,000,000 | 0.0123 | 12.3 | – |\n\nNote.',
    );
  });

  it('keeps the figures of different outputs, connections and states apart', () => {
    const figures = new Figures();
    const key: FigureKey = { part: 'busy', subject: 'service', metric: 'p99', points: 1000, columns: 1 };
    figures.record({ ...key, busy: true }, 9);
    figures.record({ ...key, busy: false }, 2);
    figures.record({ ...key, busy: false }, 4);
    expect(figures.median({ ...key, busy: true })).to.equal(9);
    expect(figures.median(key)).to.equal(3);
    expect(figures.median({ ...key, connections: 8 })).to.equal(undefined);
  });

  it('calls a goal reached, missed or not measured', () => {
    const what = '1M points, verdict: service / limit';
    const figures = new Figures();
    expect(reached(figures, what)).to.deep.equal([what, 'at most 1.3', '–', 'not measured']);
    figures.record(secondsKey('limit', 1_000_000, 1), 2);
    figures.record(secondsKey('service', 1_000_000, 1, 'verdict'), 2.5);
    expect(reached(figures, what)).to.deep.equal([what, 'at most 1.3', '1.25', 'reached']);
    figures.record(secondsKey('service', 1_000_000, 1, 'verdict'), 4.5);
    expect(reached(figures, what)?.slice(2)).to.deep.equal(['1.75', 'missed']);
  });

  it('holds a goal to the worst of the outputs', () => {
    const figures = new Figures();
    figures.record(memoryKey('service', 10_000_000, 'verdict'), 200);
    figures.record(memoryKey('service', 10_000_000, 'csv'), 400);
    expect(reached(figures, '10M points, peak of the service, MB')?.slice(2)).to.deep.equal(['400', 'missed']);
    figures.fail(memoryKey('service', 10_000_000, 'arrays'), 'status 500');
    expect(reached(figures, '10M points, peak of the service, MB')?.[3]).to.equal('missed');
  });
});

describe('the arguments of the benchmark', () => {
  it('choose parts, sizes and runs', () => {
    const options = readOptions(['memory', 'load', '--sizes', '28000,1000', '--runs', '5']);
    expect(options?.parts).to.deep.equal(['load', 'memory']);
    expect(options?.sizes).to.deep.equal([1000, 28_000]);
    expect(options?.runs).to.equal(5);
    expect(readOptions(['--quick'])?.sizes).to.not.include(10_000_000);
  });

  it('are refused by name where they are wrong', () => {
    expect(() => readOptions(['speed'])).to.throw('No part is called "speed"');
    expect(() => readOptions(['--sizes', '1e3,-5'])).to.throw('--sizes: expected whole numbers');
    expect(() => readOptions(['--columns', '2'])).to.throw('--columns: expected 1, 3 or both');
  });
});
