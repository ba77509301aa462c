import { setTimeout as sleep } from 'node:timers/promises';
import { hammer, post } from './client.js';
import type { FigureKey, Figures, Subject } from './figures.js';
import { makeFile, modelFor } from './inputs.js';
import { recordLoad, SMALL_POINTS } from './load.js';
import { type Part, using } from './part.js';
import { startPeer } from './peer.js';
import { say } from './progress.js';
import type { RunningServer } from './server.js';
import { startService } from './service.js';
import { ratio } from './statistics.js';
import { figure, type Table, times, whole } from './table.js';

/** Connections that send small requests while a long job runs. */
export const BUSY_CONNECTIONS = [1, 8];

const SUBJECTS = ['service', 'peer'] as const;
const RUNS = 1;
const WARM_MILLISECONDS = 1500;

/** How long small requests take while one long job runs, against without. */
export const busy: Part = {
  async measure({ options, figures }) {
    const model = await modelFor(1);
    const small = makeFile(SMALL_POINTS, 1);
    const long = makeFile(options.sizes[options.sizes.length - 1], 1);
    const starts = [() => startService(model), () => startPeer(model)] as const;
    await using([...starts], async (service: RunningServer, peer: RunningServer) => {
      const servers = [['service', service.url] as const, ['peer', peer.url] as const];
      for (const [, url] of servers) await hammer(url, small, 'verdict', 8, sleep(WARM_MILLISECONDS));
      for (const connections of BUSY_CONNECTIONS) {
        for (let run = 0; run < (options.runs ?? RUNS); run++) {
          for (const [subject, url] of servers) {
            say(`busy: ${connections} connections, ${subject}`);
            const alone = await hammer(url, small, 'verdict', connections, sleep(1000 * options.loadSeconds));
            recordLoad(figures, busyKey(subject, connections, false), alone);
            const job = post(url, long, 'verdict');
            recordLoad(
              figures,
              busyKey(subject, connections, true),
              await hammer(url, small, 'verdict', connections, job),
            );
          }
        }
      }
    });
  },
  tables: ({ options, figures }) => [tableOf(options.sizes[options.sizes.length - 1], figures)],
};

/** What the figures of small requests beside a long job, or without it, have in common. */
export function busyKey(subject: Subject, connections: number, busy: boolean): Omit<FigureKey, 'metric'> {
  return { part: 'busy', subject, points: SMALL_POINTS, columns: 1, output: 'verdict', connections, busy };
}

function tableOf(points: number, figures: Figures): Table {
  return {
    title: `Requests of ${whole(SMALL_POINTS)} points while one of ${whole(points)} runs`,
    header: [
      'connections',
      'server',
      'p50 alone, ms',
      'p50 beside',
      'p99 alone, ms',
      'p99 beside',
      'p99 beside / alone',
      'requests beside',
    ],
    rows: BUSY_CONNECTIONS.flatMap((connections) =>
      SUBJECTS.map((subject) => {
        const of = (metric: FigureKey['metric'], busy: boolean) =>
          figures.median({ ...busyKey(subject, connections, busy), metric });
        const [alone, beside] = [of('p99', false), of('p99', true)];
        const p50 = [figure(of('p50', false)), figure(of('p50', true))];
        return [
          String(connections),
          subject,
          ...p50,
          figure(alone),
          figure(beside),
          times(ratio(beside, alone)),
          whole(of('requests', true)),
        ];
      }),
    ),
  };
}
