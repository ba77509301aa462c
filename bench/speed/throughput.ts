import { ask, post } from './client.js';
import { type Figures, type FigureKey, type Output, OUTPUTS, type Subject } from './figures.js';
import { type Input, makeInput, modelFor } from './inputs.js';
import { Limit } from './limit.js';
import { type Context, type Part, using } from './part.js';
import { startPeer } from './peer.js';
import { say } from './progress.js';
import type { RunningServer } from './server.js';
import { startService } from './service.js';
import { ratio } from './statistics.js';
import { FAILS, figure, type Table, times, whole } from './table.js';

// The peer in one run takes four gigabytes for a million values, and keeps them.
const MOST_IN_ONE_RUN = 1_000_000;
const LEAST_IN_ONE_RUN = 100_001;
const MOST_VALUES_FOR_ALL_OUTPUTS = 10_000_000;
const WARM_POINTS = 28_000;
const WARM_RUNS = 3;

type Servers = Partial<Record<Subject, RunningServer>>;

/** Seconds of one request at a time, by size, columns and output, beside the limit and the peer. */
export const throughput: Part = {
  async measure(context) {
    for (const columns of context.options.columns) {
      const model = await modelFor(columns);
      const starts = [() => startService(model), () => startPeer(model), () => Limit.start(model)] as const;
      await using([...starts], async (service: RunningServer, peer: RunningServer, limit: Limit) => {
        await warm({ service, peer }, limit, columns);
        for (const points of context.options.sizes) {
          await measureSize(context, makeInput(points, columns), { service, peer }, limit);
        }
      });
    }
  },
  tables: ({ options, figures }) => options.columns.map((columns) => tableOf(columns, options.sizes, figures)),
};

/** The key of the seconds of a request. */
export function secondsKey(subject: Subject, points: number, columns: number, output?: Output): FigureKey {
  return { part: 'throughput', subject, metric: 'seconds', points, columns, output };
}

async function measureSize(context: Context, input: Input, servers: Servers, limit: Limit): Promise<void> {
  const { points, columns } = input;
  if (columns > 1 || points < LEAST_IN_ONE_RUN || points > MOST_IN_ONE_RUN) {
    await inTurn(context, input, servers, limit);
    return;
  }
  const model = await modelFor(columns);
  await using([() => startPeer(model, { oneRun: true })], (oneRun: RunningServer) =>
    inTurn(context, input, { ...servers, 'peer in one run': oneRun }, limit),
  );
}

async function inTurn(context: Context, input: Input, servers: Servers, limit: Limit): Promise<void> {
  const { points, columns } = input;
  const outputs = OUTPUTS.filter((output) => runsOf(context, input, output) > 0);
  const rounds = Math.max(...outputs.map((output) => runsOf(context, input, output)));
  for (let round = 0; round < rounds; round++) {
    say(`throughput: ${whole(points)} points, ${columns} column(s), round ${round + 1} of ${rounds}`);
    context.figures.record(secondsKey('limit', points, columns), await limit.run(input));
    for (const output of outputs.filter((each) => round < runsOf(context, input, each))) {
      for (const [subject, server] of Object.entries(servers)) {
        await timePost(
          context.figures,
          secondsKey(subject as Subject, points, columns, output),
          server.url,
          input.file,
        );
      }
    }
  }
}

async function timePost(figures: Figures, key: FigureKey, url: string, file: string): Promise<void> {
  if (figures.failure(key) !== undefined) return;
  try {
    figures.record(key, (await post(url, file, key.output ?? 'verdict')).seconds);
  } catch (error) {
    figures.fail(key, String(error));
    say(`${key.subject} fails at ${whole(key.points)} points: ${String(error)}`);
  }
}

function runsOf({ options }: Context, { points, columns }: Input, output: Output): number {
  if (output !== 'verdict' && points * columns > MOST_VALUES_FOR_ALL_OUTPUTS) return 0;
  if (options.runs !== undefined) return options.runs;
  if (points <= 1000) return 21;
  if (points <= 28_000) return 9;
  if (points <= 1_000_000) return 3;
  return output === 'verdict' && columns === 1 ? 3 : 1;
}

/** Lets compilers and caches settle, and sees that both servers find the same. */
async function warm(servers: Servers, limit: Limit, columns: number): Promise<void> {
  const input = makeInput(WARM_POINTS, columns);
  for (let run = 0; run < WARM_RUNS; run++) {
    await limit.run(input);
    for (const output of OUTPUTS) for (const { url } of Object.values(servers)) await post(url, input.file, output);
  }
  const [ours, theirs] = await Promise.all(Object.values(servers).map(({ url }) => ask(url, input.file, 'verdict')));
  const [a, b] = [ours, theirs].map((answer) => (answer as { anomalies: { start: number; end: number }[] }).anomalies);
  if (a.length === b.length && a.every(({ start, end }, i) => start === b[i].start && end === b[i].end)) return;
  throw new Error(`the service finds ${a.length} intervals, the peer ${b.length}: they do not do the same work`);
}

function tableOf(columns: number, sizes: number[], figures: Figures): Table {
  const tried = (points: number, output: Output) => figures.tried(secondsKey('service', points, columns, output));
  const cases = sizes.flatMap((points) => OUTPUTS.map((output) => ({ points, output })));
  return {
    title: `One request at a time, ${columns === 1 ? 'one column' : `${columns} columns`}`,
    header: [
      ...['points', 'out', 'service, s', 'limit, s', 'service / limit'],
      ...['peer, s', 'peer / service', 'peer in one run / service'],
    ],
    rows: cases
      .filter(({ points, output }) => tried(points, output))
      .map(({ points, output }) => rowOf(points, columns, output, figures)),
    note: 'Limit: the bare model on as many threads as the service has workers, and the bytes of the file read once. Peer: the Python service, long series in chunks of 100,000 points.',
  };
}

function rowOf(points: number, columns: number, output: Output, figures: Figures): string[] {
  const keyOf = (subject: Subject) => secondsKey(subject, points, columns, output);
  const seconds = (subject: Subject) => figures.median(keyOf(subject));
  const cell = (subject: Subject) => (figures.failure(keyOf(subject)) ? FAILS : figure(seconds(subject)));
  const limit = figures.median(secondsKey('limit', points, columns));
  const [service, peer, oneRun] = (['service', 'peer', 'peer in one run'] as const).map(seconds);
  const ratios = [cell('peer'), times(ratio(peer, service)), times(ratio(oneRun, service))];
  return [whole(points), output, cell('service'), figure(limit), times(ratio(service, limit)), ...ratios];
}
