import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FigureKey, Figures, Output } from './figures.js';
import { makeInput, modelFor, OUTPUT } from './inputs.js';
import { Limit } from './limit.js';
import { type Part, using } from './part.js';
import { run } from './processes.js';
import { say } from './progress.js';
import { ratio } from './statistics.js';
import { figure, type Table, times, whole } from './table.js';

const LIMIT_SECONDS = 900;
const SHORTEST_POINTS = 100_000;
const RESULT = join(OUTPUT, 'detected');

const ARGUMENTS: Partial<Record<Output, string[]>> = {
  verdict: ['--points', 'false'],
  csv: ['--format', 'csv'],
};
const ASKED = Object.keys(ARGUMENTS) as Output[];

/** Seconds and memory of `npm run detect` for long series. */
export const command: Part = {
  async measure({ options, figures }) {
    const model = await modelFor(1);
    await using([() => Limit.start(model)], async (limit: Limit) => {
      for (const points of longSizes(options.sizes)) {
        const input = makeInput(points, 1);
        for (let round = 0; round < (options.runs ?? (points > 1_000_000 ? 1 : 3)); round++) {
          say(`command: ${whole(points)} points`);
          figures.record(commandKey('limit', points), await limit.run(input));
          for (const output of ASKED) {
            const args = [input.file, ...(ARGUMENTS[output] ?? []), '--output', RESULT];
            const { seconds, megabytes } = await run(
              'npm',
              ['run', '--silent', 'detect', '--', ...args],
              LIMIT_SECONDS,
            );
            figures.record(commandKey('command line', points, output), seconds);
            figures.record({ ...commandKey('command line', points, output), metric: 'megabytes' }, megabytes);
          }
        }
      }
    });
    rmSync(RESULT, { force: true });
  },
  tables: ({ options, figures }) => [tableOf(longSizes(options.sizes), figures)],
};

/** The key of the seconds of the command line, or of the limit beside it. */
export function commandKey(subject: 'command line' | 'limit', points: number, output?: Output): FigureKey {
  return { part: 'command', subject, metric: 'seconds', points, columns: 1, output };
}

function longSizes(sizes: number[]): number[] {
  return sizes.filter((points) => points >= SHORTEST_POINTS);
}

function tableOf(sizes: number[], figures: Figures): Table {
  return {
    title: 'The command line: `npm run detect`',
    header: ['points', 'out', 'command, s', 'limit, s', 'command / limit', 'peak, MB'],
    rows: sizes.flatMap((points) =>
      ASKED.map((output) => {
        const key = commandKey('command line', points, output);
        const [seconds, limit] = [figures.median(key), figures.median(commandKey('limit', points))];
        const peak = figures.median({ ...key, metric: 'megabytes' });
        return [whole(points), output, figure(seconds), figure(limit), times(ratio(seconds, limit)), whole(peak)];
      }),
    ),
    note: 'The start of npm and the loading of the code are part of the seconds. Peak: VmHWM of the process that computes.',
  };
}
