import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Detector } from '../../src/workers/detector.js';

const ROWS = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);

function series(points: number): Uint8Array {
  return Buffer.from(`value\n${Array.from({ length: points }, (_, i) => ROWS[i % ROWS.length]).join('\n')}\n`);
}

const job = (points: number) => ({ csv: series(points), options: {}, formats: ['json' as const] });
const text = ({ reports }: { reports: Uint8Array[][] }) => Buffer.concat(reports[0]).toString();

describe('the workers', function () {
  this.timeout(60_000);
  let one: Detector;
  let two: Detector;

  before(async () => {
    one = await Detector.create({ modelPath: 'model/model.onnx', workers: 1 });
    two = await Detector.create({ modelPath: 'model/model.onnx', workers: 2 });
    await Promise.all([one.probe(), two.probe()]);
  });
  after(() => Promise.all([one.close(), two.close()]));

  it('give the same answer for a long series whether one of them computes it or several', async () => {
    for (const points of [28_000, 200_001, 300_000]) {
      expect(text(await two.detect(job(points)))).to.equal(text(await one.detect(job(points))));
    }
  });

  it('answer short series while a long one is computed', async () => {
    let done = false;
    const long = two.detect(job(1_000_000)).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let i = 0; i < 3; i++) await two.detect(job(1000));
    expect(done).to.equal(false);
    await long;
  });

  it('leave a long series that nobody waits for any more, and go on with others', async () => {
    const gone = new AbortController();
    const outcome = two.detect(job(2_000_000), gone.signal).catch((error: unknown) => error);
    setTimeout(() => gone.abort(), 800);
    expect(await outcome).to.have.property('message', 'Nobody waits for the answer any more.');
    expect((await two.detect(job(1000))).length).to.equal(1000);
  });
});
