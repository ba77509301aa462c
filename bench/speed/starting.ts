import type { FigureKey } from './figures.js';
import { modelFor } from './inputs.js';
import type { Part } from './part.js';
import { startPeer } from './peer.js';
import { say } from './progress.js';
import { startService } from './service.js';
import { ratio } from './statistics.js';
import { figure, times } from './table.js';

const RUNS = 7;

/** Seconds from the start of a process until `/health/ready` answers 200. */
export const starting: Part = {
  async measure({ options, figures }) {
    const model = await modelFor(1);
    const starts = [['service', () => startService(model)] as const, ['peer', () => startPeer(model)] as const];
    for (let run = 0; run < (options.runs ?? RUNS); run++) {
      say(`start: round ${run + 1}`);
      for (const [subject, start] of starts) {
        const server = await start();
        await server.stop();
        figures.record(startKey(subject), server.secondsToReady);
      }
    }
  },
  tables: ({ figures }) => {
    const [service, peer] = [figures.median(startKey('service')), figures.median(startKey('peer'))];
    return [
      {
        title: 'Start',
        header: ['service ready after, s', 'peer, s', 'service / peer'],
        rows: [[figure(service), figure(peer), times(ratio(service, peer))]],
        note: 'The service is ready once every worker has scored a probe, the peer once one of its processes answers.',
      },
    ];
  },
};

function startKey(subject: 'service' | 'peer'): FigureKey {
  return { part: 'start', subject, metric: 'seconds', points: 0, columns: 1 };
}
