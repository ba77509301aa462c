import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FigureKey } from './figures.js';
import { makeFile, makeInput, modelFor, OUTPUT, train } from './inputs.js';
import { Limit } from './limit.js';
import { type Part, using } from './part.js';
import { say } from './progress.js';
import { ratio } from './statistics.js';
import { figure, times, whole } from './table.js';

const RUNS = 2;
// What the machine can do, so that the figure means something on another.
const UNIT_POINTS = 1_000_000;
const FOLDER = join(OUTPUT, 'trained');

/** Seconds of `npm run train`. */
export const training: Part = {
  async measure({ options, figures }) {
    const unit = makeInput(UNIT_POINTS, 1);
    await using([() => modelFor(1).then((model) => Limit.start(model))], async (limit: Limit) => {
      for (let run = 0; run < (options.runs ?? RUNS); run++) {
        for (const points of options.trainingPoints) {
          say(`training: ${whole(points)} points`);
          figures.record(trainingKey('limit', UNIT_POINTS), await limit.run(unit));
          figures.record(trainingKey('command line', points), await train(makeFile(points, 1, 'train'), FOLDER));
        }
      }
    });
    rmSync(FOLDER, { recursive: true, force: true });
  },
  tables: ({ options, figures }) => {
    const unit = figures.median(trainingKey('limit', UNIT_POINTS));
    const first = figures.median(trainingKey('command line', options.trainingPoints[0]));
    return [
      {
        title: 'Training: `npm run train`',
        header: ['points', 'seconds', 'over the first row', `over the limit for ${whole(UNIT_POINTS)} points`],
        rows: options.trainingPoints.map((points) => {
          const seconds = figures.median(trainingKey('command line', points));
          return [whole(points), figure(seconds), times(ratio(seconds, first)), times(ratio(seconds, unit))];
        }),
      },
    ];
  },
};

function trainingKey(subject: 'command line' | 'limit', points: number): FigureKey {
  return { part: 'training', subject, metric: 'seconds', points, columns: 1 };
}
