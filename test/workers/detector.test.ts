import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { ReportFormat } from '../../src/detection/report.js';
import type { DetectRequest } from '../../src/workers/detect-worker.js';
import type { Model } from '../../src/inference/model.js';
import { Detector } from '../../src/workers/detector.js';
import { ReloadableDetector } from '../../src/workers/reloadable-detector.js';
import { failTaken, scoreShared, scoreTogether, shareChunks } from '../../src/workers/shared-chunks.js';

const ROWS = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);

function series(points: number): Uint8Array {
  return Buffer.from(`value\n${Array.from({ length: points }, (_, i) => ROWS[i % ROWS.length]).join('\n')}\n`);
}

const job = (points: number, format: ReportFormat = 'json') => ({
  csv: { bytes: series(points) },
  options: {},
  formats: [format],
});
const drop = () => undefined;

/** What a detector answers, as text. */
async function answer(detector: Detector, request: DetectRequest): Promise<string> {
  const pieces: Uint8Array[] = [];
  await detector.detect(request, ({ bytes }) => void pieces.push(bytes));
  return Buffer.concat(pieces).toString();
}

describe('the workers', function () {
  let one: Detector;
  let two: Detector;

  before(async () => {
    one = await Detector.create({ modelPath: 'model', workers: 1 });
    two = await Detector.create({ modelPath: 'model', workers: 2 });
    await Promise.all([one.probe(), two.probe()]);
  });
  after(() => Promise.all([one.close(), two.close()]));

  it('give the same answer for a long series whether one of them computes it or several', async () => {
    for (const points of [28_000, 200_001, 300_000]) {
      for (const format of ['json', 'csv'] as const) {
        expect(await answer(two, job(points, format))).to.equal(await answer(one, job(points, format)));
      }
    }
  });

  it('answer short series while a long one is computed', async () => {
    let done = false;
    const long = two.detect(job(1_000_000), drop).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let i = 0; i < 3; i++) await two.detect(job(1000), drop);
    expect(done).to.equal(false);
    await long;
  });

  it('wait for a caller who reads slowly, and compute for others meanwhile', async () => {
    let taken = 0;
    let release = drop as () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = two.detect(job(300_000, 'csv'), async () => {
      taken += 1;
      await held;
    });
    for (let i = 0; i < 3; i++) await two.detect(job(28_000), drop);
    expect(taken).to.equal(1);
    release();
    expect((await slow).length).to.equal(300_000);
    expect(taken).to.be.above(20);
  });

  it('that were replaced finish what they were at, before all of them end', async () => {
    const reloadable = await ReloadableDetector.create({ modelPath: 'model', workers: 1 });
    let finished = false;
    const long = reloadable.detect(job(1_000_000), drop).then(() => (finished = true));
    await reloadable.reload();
    await reloadable.close();
    expect(finished).to.equal(true);
    await long;
  });

  it('stop where what takes the answer fails, and say why', async () => {
    const failing = () => Promise.reject(new Error('no room'));
    expect(await two.detect(job(300_000, 'csv'), failing).catch((error: unknown) => error)).to.be.an('error');
    expect(await two.detect(job(1000), failing).catch((error: unknown) => error)).to.have.property(
      'message',
      'no room',
    );
  });

  it('give up a series of which a worker that has ended had a part', async () => {
    const plan = { width: 1, context: 8, alignment: 1, chunkPoints: 2048 };
    const chunk = { values: new Float64Array(2048), keptFrom: 0, keptTo: 2048 };
    const shared = shareChunks(plan);
    const never = { scoreChunk: () => new Promise<never>(() => undefined) } as unknown as Model;
    const offer = () => void scoreShared(never, shared);
    const results = scoreTogether(never, [chunk], shared, offer, drop);
    setTimeout(() => failTaken(shared), 50);
    expect(await results.next().catch((error: unknown) => error)).to.be.an('error');
  });

  it('leave a long series that nobody waits for any more, and go on with others', async () => {
    const gone = new AbortController();
    const outcome = two.detect(job(2_000_000), drop, { signal: gone.signal }).catch((error: unknown) => error);
    setTimeout(() => gone.abort(), 800);
    expect(await outcome).to.have.property('message', 'Nobody waits for the answer any more.');
    expect((await two.detect(job(1000), drop)).length).to.equal(1000);
  });
});
