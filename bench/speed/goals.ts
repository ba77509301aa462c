import { BUSY_CONNECTIONS, busyKey } from './busy.js';
import { type FigureKey, type Figures, OUTPUTS, type Subject } from './figures.js';
import { GROWTH, growthOfSeconds } from './growth.js';
import { LOAD_OUTPUTS, loadKey } from './load.js';
import { memoryKey } from './memory.js';
import { ratio } from './statistics.js';
import { figure, type Table, times, whole } from './table.js';
import { secondsKey } from './throughput.js';

const MANY_CONNECTIONS = 64;

/** A figure to reach. */
interface Goal {
  what: string;
  reached: number | undefined;
  /** At least, or at most, so much. */
  least?: number;
  most?: number;
  /** How the figure is written. */
  write?: (value: number | undefined) => string;
}

/** The figures to reach, each with what was reached; of several outputs the worst counts. */
export function goalsTable(figures: Figures): Table {
  const goals = [...speedGoals(figures), ...loadGoals(figures), ...growthGoals(figures)];
  return {
    title: 'To reach',
    header: ['what', 'to reach', 'reached', ''],
    rows: goals.map(({ what, reached, least, most, write = times }) => {
      const wanted = least === undefined ? `at most ${figure(most)}` : `at least ${figure(least)}`;
      return [what, wanted, write(reached), verdictOf(reached, least, most)];
    }),
  };
}

function speedGoals(figures: Figures): Goal[] {
  const seconds = (subject: Subject, output?: 'verdict' | 'csv') =>
    figures.median(secondsKey(subject, GROWTH.from, 1, output));
  return [
    {
      what: '1M points, verdict: service / limit',
      reached: ratio(seconds('service', 'verdict'), seconds('limit')),
      most: 1.3,
    },
    {
      what: '1M points, scored CSV: peer in one run / service',
      reached: ratio(seconds('peer in one run', 'csv'), seconds('service', 'csv')),
      least: 4,
    },
    {
      what: '1M points, scored CSV: peer in chunks / service',
      reached: ratio(seconds('peer', 'csv'), seconds('service', 'csv')),
      least: 4,
    },
  ];
}

function loadGoals(figures: Figures): Goal[] {
  const overPeer = (metric: FigureKey['metric']) =>
    LOAD_OUTPUTS.map((output) => {
      const key = { ...loadKey(output, MANY_CONNECTIONS), metric };
      return ratio(figures.median({ ...key, subject: 'service' }), figures.median({ ...key, subject: 'peer' }));
    });
  const refused = LOAD_OUTPUTS.map((output) =>
    figures.median({ ...loadKey(output, MANY_CONNECTIONS), subject: 'service', metric: 'refused' }),
  );
  const besideAlone = BUSY_CONNECTIONS.map((connections) => {
    const p99 = (busy: boolean) => figures.median({ ...busyKey('service', connections, busy), metric: 'p99' });
    return ratio(p99(true), p99(false));
  });
  return [
    {
      what: '1,000 points, 64 connections, requests/s: service / peer',
      reached: smallest(overPeer('requests per second')),
      least: 3,
    },
    { what: '1,000 points, 64 connections, p99: service / peer', reached: largest(overPeer('p99')), most: 1 },
    {
      what: '1,000 points, 64 connections, requests not answered 200',
      reached: largest(refused),
      most: 0,
      write: whole,
    },
    { what: '1,000 points, p99 beside the longest job / alone', reached: largest(besideAlone), most: 3 },
  ];
}

function growthGoals(figures: Figures): Goal[] {
  const peaks = (subject: Subject) => OUTPUTS.map((output) => peakOf(figures, memoryKey(subject, GROWTH.to, output)));
  const [ours, theirs] = [peaks('service'), peaks('peer')];
  const growth = OUTPUTS.map((output) => growthOfSeconds(figures, 'service', output));
  return [
    { what: '10M points, peak of the service, MB', reached: largest(ours), most: 300, write: figure },
    {
      what: '10M points, peak: service / peer',
      reached: largest(ours.map((peak, i) => ratio(peak, theirs[i]))),
      most: 1 / 3,
    },
    { what: 'seconds: 10M points / 1M points', reached: largest(growth), most: 10.5 },
  ];
}

/** A server that does not answer has no peak that would do. */
function peakOf(figures: Figures, key: FigureKey): number | undefined {
  return key.subject === 'service' && figures.failure(key) !== undefined ? Infinity : figures.median(key);
}

function verdictOf(reached: number | undefined, least = -Infinity, most = Infinity): string {
  if (reached === undefined) return 'not measured';
  return reached >= least && reached <= most ? 'reached' : 'missed';
}

function largest(values: (number | undefined)[]): number | undefined {
  return worst(values, Math.max);
}

function smallest(values: (number | undefined)[]): number | undefined {
  return worst(values, Math.min);
}

function worst(values: (number | undefined)[], choose: (...values: number[]) => number): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : choose(...known);
}
