import { type Figures, type Output, OUTPUTS } from './figures.js';
import { memoryKey } from './memory.js';
import { ratio } from './statistics.js';
import { type Table, times, whole } from './table.js';
import { secondsKey } from './throughput.js';

/** The sizes between which growth is told. */
export const GROWTH = { from: 1_000_000, to: 10_000_000 };

/** How many times as long one request takes at the larger size as at the smaller. */
export function growthOfSeconds(figures: Figures, subject: 'service' | 'peer', output: Output): number | undefined {
  const seconds = (points: number) => figures.median(secondsKey(subject, points, 1, output));
  return ratio(seconds(GROWTH.to), seconds(GROWTH.from));
}

/** How time and memory grow with the points, of the service and of the peer. */
export function growthTable(figures: Figures): Table {
  const growthOfMemory = (subject: 'service' | 'peer', output: Output) => {
    const megabytes = (points: number) => figures.median(memoryKey(subject, points, output));
    return ratio(megabytes(GROWTH.to), megabytes(GROWTH.from));
  };
  return {
    title: `Growth from ${whole(GROWTH.from)} to ${whole(GROWTH.to)} points, one column`,
    header: ['out', 'seconds, service', 'seconds, peer', 'memory, service', 'memory, peer'],
    rows: OUTPUTS.map((output) => [
      output,
      ...(['service', 'peer'] as const).map((subject) => times(growthOfSeconds(figures, subject, output))),
      ...(['service', 'peer'] as const).map((subject) => times(growthOfMemory(subject, output))),
    ]),
  };
}
