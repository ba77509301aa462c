import { setTimeout as sleep } from 'node:timers/promises';
import { hammer, type Load } from './client.js';
import type { Figures, FigureKey, Output } from './figures.js';
import { makeFile, modelFor } from './inputs.js';
import { type Part, using } from './part.js';
import { startPeer } from './peer.js';
import { say } from './progress.js';
import type { RunningServer } from './server.js';
import { startService } from './service.js';
import { percentile, ratio } from './statistics.js';
import { figure, type Table, times, whole } from './table.js';

/** Points of a small request. */
export const SMALL_POINTS = 1000;

/** The outputs that are asked for under load. */
export const LOAD_OUTPUTS = ['verdict', 'arrays'] as const;

const CONNECTIONS = [1, 8, 64];
const RUNS = 3;
const WARM_MILLISECONDS = 1500;

/** Small requests from several connections at once. */
export const load: Part = {
  async measure({ options, figures }) {
    const model = await modelFor(1);
    const file = makeFile(SMALL_POINTS, 1);
    const starts = [() => startService(model), () => startPeer(model)] as const;
    await using([...starts], async (service: RunningServer, peer: RunningServer) => {
      const servers = [['service', service] as const, ['peer', peer] as const];
      for (const [, { url }] of servers) await hammer(url, file, 'arrays', 8, sleep(WARM_MILLISECONDS));
      for (const connections of CONNECTIONS) {
        say(`load: ${connections} connections`);
        for (let run = 0; run < (options.runs ?? RUNS); run++) {
          for (const output of LOAD_OUTPUTS) {
            for (const [subject, { url }] of servers) {
              const measured = await hammer(url, file, output, connections, sleep(1000 * options.loadSeconds));
              recordLoad(figures, { ...loadKey(output, connections), subject }, measured);
            }
          }
        }
      }
    });
  },
  tables: ({ figures }) => [tableOf(figures)],
};

/** What the figures of a load have in common. */
export function loadKey(output: Output, connections: number): Omit<FigureKey, 'subject' | 'metric'> {
  return { part: 'load', points: SMALL_POINTS, columns: 1, output, connections };
}

/** Records what a load came to. */
export function recordLoad(
  figures: Figures,
  key: Omit<FigureKey, 'metric'>,
  { seconds, latencies, refused }: Load,
): void {
  figures.record({ ...key, metric: 'requests per second' }, latencies.length / seconds);
  figures.record({ ...key, metric: 'requests' }, latencies.length);
  figures.record({ ...key, metric: 'refused' }, refused);
  for (const [metric, share] of [['p50', 0.5] as const, ['p99', 0.99] as const]) {
    const value = percentile(latencies, share);
    if (value !== undefined) figures.record({ ...key, metric }, value);
  }
}

function tableOf(figures: Figures): Table {
  return {
    title: `Requests of ${whole(SMALL_POINTS)} points under load`,
    header: [
      ...['connections', 'out', 'requests/s', 'peer', 'service / peer'],
      ...['p50, ms', 'peer', 'p99, ms', 'peer', 'service / peer', 'refused'],
    ],
    rows: CONNECTIONS.flatMap((connections) => LOAD_OUTPUTS.map((output) => rowOf(connections, output, figures))),
  };
}

function rowOf(connections: number, output: Output, figures: Figures): string[] {
  const both = (metric: FigureKey['metric']) =>
    (['service', 'peer'] as const).map((subject) =>
      figures.median({ ...loadKey(output, connections), subject, metric }),
    );
  const [rate, peerRate] = both('requests per second');
  const [p99, peerP99] = both('p99');
  return [
    ...[String(connections), output, figure(rate), figure(peerRate), times(ratio(rate, peerRate))],
    ...[...both('p50').map(figure), figure(p99), figure(peerP99), times(ratio(p99, peerP99))],
    both('refused').map(whole).join(' and '),
  ];
}
