import { totalmem } from 'node:os';
import { post } from './client.js';
import { type FigureKey, type Figures, type Output, OUTPUTS, type Subject } from './figures.js';
import { makeFile, modelFor } from './inputs.js';
import { type Context, type Part, using } from './part.js';
import { startPeer } from './peer.js';
import { say } from './progress.js';
import type { RunningServer } from './server.js';
import { startService } from './service.js';
import { ratio } from './statistics.js';
import { FAILS, type Table, times, whole } from './table.js';

// Enough to show that the peer in one run does not fit, and little enough not to hurt the machine.
const ONE_RUN_GIGABYTES = Math.min(8, totalmem() / 2 ** 31);
const LONG_POINTS = 1_000_000;
const ONE_RUN_POINTS = 10_000_000;

/** Peak resident sizes, each of a server that was started for it. */
export const memory: Part = {
  async measure(context) {
    const model = await modelFor(1);
    const servers = [['service', () => startService(model)] as const, ['peer', () => startPeer(model)] as const];
    for (const points of [0, ...context.options.sizes]) {
      for (const output of outputsFor(points)) {
        for (let run = 0; run < (context.options.runs ?? 1); run++) {
          for (const [subject, start] of servers) await measurePeak(context, memoryKey(subject, points, output), start);
        }
      }
    }
    if (!context.options.sizes.includes(ONE_RUN_POINTS)) return;
    const key = memoryKey('peer in one run', ONE_RUN_POINTS, 'verdict');
    await measurePeak(context, key, () => startPeer(model, { oneRun: true, addressGigabytes: ONE_RUN_GIGABYTES }));
  },
  tables: ({ options, figures }) => [tableOf(options.sizes, figures)],
};

/** The key of a peak resident size; without an output that of a server that was asked nothing. */
export function memoryKey(subject: Subject, points: number, output?: Output): FigureKey {
  return { part: 'memory', subject, metric: 'megabytes', points, columns: 1, output };
}

async function measurePeak({ figures }: Context, key: FigureKey, start: () => Promise<RunningServer>): Promise<void> {
  const { subject, points, output } = key;
  say(`memory: ${subject}, ${whole(points)} points${output === undefined ? '' : `, ${output}`}`);
  await using([start], async (server: RunningServer) => {
    try {
      if (output !== undefined) await post(server.url, makeFile(points, 1), output);
      figures.record(key, server.peakMegabytes);
    } catch (error) {
      figures.fail(key, String(error));
    }
  });
}

/** Short series take so little that their output does not matter; a server that is asked nothing has none. */
function outputsFor(points: number): readonly (Output | undefined)[] {
  if (points === 0) return [undefined];
  return points < LONG_POINTS ? ['arrays'] : OUTPUTS;
}

function tableOf(sizes: number[], figures: Figures): Table {
  const cases = [0, ...sizes].flatMap((points) => outputsFor(points).map((output) => ({ points, output })));
  const failure = figures.failure(memoryKey('peer in one run', ONE_RUN_POINTS, 'verdict'));
  return {
    title: 'Peak resident size, each in a fresh process',
    header: ['points', 'out', 'service, MB', 'peer, MB', 'service / peer'],
    rows: cases.map(({ points, output }) => {
      const keys = (['service', 'peer'] as const).map((subject) => memoryKey(subject, points, output));
      const [service, peer] = keys.map((key) => figures.median(key));
      const cells = keys.map((key) => (figures.failure(key) ? FAILS : whole(figures.median(key))));
      return [whole(points), output ?? 'ready', ...cells, times(ratio(service, peer))];
    }),
    note:
      'VmHWM in millions of bytes; of the peer added up over its processes.' +
      (failure === undefined
        ? ''
        : ` In one run over ${whole(ONE_RUN_POINTS)} points the peer fails with ${ONE_RUN_GIGABYTES} GB of addresses (${failure}).`),
  };
}
