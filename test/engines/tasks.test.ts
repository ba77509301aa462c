import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { expect } from 'chai';
import { createApp } from '../../src/app.js';
import { EngineA } from '../../src/engines/engine-a.js';
import { EngineB } from '../../src/engines/engine-b.js';
import { Trust } from '../../src/engines/trust.js';
import { createLogger, type Logger } from '../../src/logger.js';
import { Metrics } from '../../src/metrics.js';
import { Readiness } from '../../src/readiness.js';
import { Spool } from '../../src/spool.js';
import { TaskQueue } from '../../src/tasks/task-queue.js';
import { ReloadableDetector } from '../../src/workers/reloadable-detector.js';
import { EngineADouble } from '../support/engine-a-double.js';
import { EngineBDouble } from '../support/engine-b-double.js';
import { until } from '../support/listening.js';
import { startStorage, type Storage } from '../support/storage.js';

const SLUG = 'ae-anomaly-detection';
const ECG = readFileSync('model_creation/data/test.csv', 'utf8');
const SHORT = ECG.split('\r\n').slice(0, 301).join('\n');
// 1,000 make the same point better, and take minutes.
const STORM_TASKS = Number(process.env.STORM_TASKS ?? 100);
const STORM_AT_ONCE = 50;
const WRONG = SHORT.replace(/\n(.*\n.*)$/, '\noops\n$1');

describe('a task of an Engine', function () {
  let detector: ReloadableDetector;
  let storage: Storage | undefined;
  let a: EngineADouble;
  let b: EngineBDouble;
  let logger: Logger;
  let queue: TaskQueue;
  let metrics: Metrics;
  let server: Server;
  const logged: string[] = [];

  before(async () => {
    detector = await ReloadableDetector.create({ modelPath: 'model', workers: 2 });
    await detector.probe();
    storage = await startStorage();
    if (!storage) console.log('    no S3 server can be had: what needs one is skipped');
  });
  after(async () => {
    await detector.close();
    await storage?.stop();
  });

  beforeEach(async () => {
    const nowhere = {
      host: new URL('http://127.0.0.1:1'),
      region: '',
      bucket: '',
      accessKeyId: '',
      secretAccessKey: '',
    };
    [a, b] = [new EngineADouble(), new EngineBDouble(storage?.bucket ?? nowhere)];
    await Promise.all([a.up(), b.up()]);
    logged.length = 0;
    const note = (...what: unknown[]) => logged.push(JSON.stringify(what));
    logger = Object.assign(createLogger('debug'), { info: note, warn: note, error: note, log: note });
    metrics = new Metrics();
    await serve(new TaskQueue(detector, logger, { workers: 2, maxTasks: 50 }, metrics));
  });
  afterEach(async () => {
    expect(a.harm).to.deep.equal([]);
    expect(b.harm).to.deep.equal([]);
    server.close();
    await Promise.all([a.down(), b.down()]);
  });

  async function serve(tasks: TaskQueue, trusted = new Trust([a.url, b.url], [], [])): Promise<string> {
    queue = tasks;
    const readiness = new Readiness();
    readiness.becomeReady();
    const config = { maxUploadBytes: 1_000_000, deliverySeconds: 20, reloadToken: undefined };
    server = createServer(
      createApp({ config, detector, queue, spool: new Spool(50), metrics, trust: trusted, logger, readiness }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await Promise.all([new EngineA(a.url, url), new EngineB(b.url, url)].map((engine) => engine.announce()));
    return url;
  }

  const resultA = async (id: string) => {
    await until(() => a.results.has(id));
    return a.results.get(id) as NonNullable<ReturnType<typeof a.results.get>>;
  };
  const endB = async (id: string) => {
    await until(() => b.endOf(id) !== undefined);
    return b.endOf(id) as NonNullable<ReturnType<typeof b.endOf>>;
  };

  /** Does something many times, so many at once; returns how often it was done. */
  async function inTurn(times: number, once: () => Promise<void>): Promise<number> {
    let [begun, done] = [0, 0];
    const worker = async () => {
      while (begun++ < times) {
        await once();
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: STORM_AT_ONCE }, worker));
    return done;
  }

  describe('of generation A', () => {
    it('ends in one callback: the verdict as JSON, the plot and the scored CSV as files', async () => {
      const { json, files } = await resultA(await a.submit(SLUG, ECG));
      expect(json).to.include({ length: 28_000 }).and.not.have.property('error');
      expect((json.anomalies as { peak: number }[]).some(({ peak }) => peak === 23_820)).to.equal(true);
      expect(Object.keys(files)).to.have.members(['plot', 'scores']);
      expect(files.plot.subarray(1, 4).toString()).to.equal('PNG');
      expect(files.scores.toString().split('\n')[0]).to.equal('value,expected,error,score,isAnomaly');
    });

    it('ends in an error that says what is wrong with the CSV', async () => {
      const { error } = await resultA(await a.submit(SLUG, WRONG));
      expect(error).to.match(/^NOT_A_NUMBER: Row 300, column value/);
    });

    it('ends in an error where the CSV is over the limit, though the Engine would not stop sending it', async () => {
      const { error } = await resultA(await a.submit(SLUG, '1\n'.repeat(600_000)));
      expect(error).to.match(/^FILE_TOO_LARGE/);
      expect(a.computeStatuses).to.deep.equal([200]);
    });

    it('is computed once though it comes twice at once and once more later', async () => {
      const id = 'a'.repeat(32);
      await Promise.all([a.submit(SLUG, SHORT, { id }), a.submit(SLUG, SHORT, { id })]);
      await resultA(id);
      await a.submit(SLUG, SHORT, { id });
      expect(a.computeStatuses).to.deep.equal([200, 200, 200]);
      expect(logged.filter((line) => line.includes('task taken'))).to.have.length(1);
    });

    it('is called back once the Engine can be reached again', async () => {
      const submitted = a.submit(SLUG, SHORT);
      const id = await submitted;
      await a.down();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      if (!a.results.has(id)) expect(queue.status(id)).to.equal('saving');
      await a.up();
      await resultA(id);
    });

    it('is not called back where the Engine has forgotten it, and is named in the log', async () => {
      const id = await a.submit(SLUG, ECG);
      a.forgetTasks();
      await until(() => queue.status(id) === 'error');
      expect(a.results.size).to.equal(0);
      expect(logged.some((line) => line.includes('does not know the task any more') && line.includes(id))).to.equal(
        true,
      );
      expect(await metrics.read()).to.include('tasks_total{outcome="lost"} 1\n');
    });

    it('is taken as JSON as well', async () => {
      const [{ url }] = a.services.values();
      const id = 'b'.repeat(24);
      a.expect(id);
      const query = new URLSearchParams({ callback_url: `${a.url}/processing`, task_id: id });
      const answer = await fetch(`${url}?${query.toString()}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: SHORT }),
      });
      expect([answer.status, await answer.json()]).to.deep.equal([
        200,
        { task_id: id, status: 'Task added to the queue' },
      ]);
      expect((await resultA(id)).json).to.include({ length: 300 });
    });
  });

  describe('of generation B', () => {
    beforeEach(function () {
      if (!storage) this.skip();
    });

    it('ends with the plot, the verdict and the scored CSV in its storage, in that order', async () => {
      const { id, status } = await b.submit(SLUG, ECG);
      expect(status).to.equal(200);
      const end = await endB(id);
      expect(end).to.include({ status: 'finished', error_message: null });
      expect(end.data_out.map((key) => key.replace(/.*\./, ''))).to.deep.equal(['png', 'json', 'csv']);
      const [png, json, csv] = await Promise.all(end.data_out.map((key) => b.read(key)));
      expect(Buffer.from(png).subarray(1, 4).toString()).to.equal('PNG');
      expect(JSON.parse(Buffer.from(json).toString())).to.include({ length: 28_000 });
      expect(Buffer.from(csv).toString().trimEnd().split('\n')).to.have.length(28_001);
    });

    it('ends in an error that says what is wrong with the CSV', async () => {
      const end = await endB((await b.submit(SLUG, WRONG)).id);
      expect(end).to.deep.include({ status: 'error', data_out: [] });
      expect(end.error_message).to.match(/^NOT_A_NUMBER: Row 300, column value/);
    });

    it('ends in an error where its CSV is not in the storage, or over the limit', async () => {
      const gone = await endB((await b.submit(SLUG, '', { key: 'gone.csv' })).id);
      expect(gone.error_message).to.equal(
        'INPUT_UNAVAILABLE: The CSV could not be read: storage answered 404 NoSuchKey.',
      );
      const large = await endB((await b.submit(SLUG, '1\n'.repeat(600_000))).id);
      expect(large.error_message).to.match(/^FILE_TOO_LARGE/);
    });

    it('ends in an error where the storage refuses the credentials, which stand in no log', async function () {
      if (!storage?.checksCredentials) this.skip();
      const { secretAccessKey } = storage.bucket;
      storage.bucket.secretAccessKey = 'not-the-secret';
      const { id } = await b.submit(SLUG, '', { key: 'any.csv' });
      const end = await endB(id);
      storage.bucket.secretAccessKey = secretAccessKey;
      expect(end.error_message).to.match(/^INPUT_UNAVAILABLE: .* storage answered 403 SignatureDoesNotMatch\.$/);
      expect(logged.join()).to.not.match(/not-the-secret|a-test-key/);
    });

    it('is told again where the Engine did not take it, and only once in a pipeline', async () => {
      b.fails = (attempt) => attempt <= 2;
      const outside = await b.submit(SLUG, SHORT);
      expect((await endB(outside.id)).status).to.equal('finished');
      b.fails = () => false;
      const inside = await b.submit(SLUG, SHORT, { inPipeline: true });
      expect((await endB(inside.id)).status).to.equal('finished');
    });

    it('says where it stands in the words of the Engine', async () => {
      const [{ url }] = b.routes.values();
      const { id } = await b.submit(SLUG, ECG);
      const ask = async () => (await (await fetch(`${url}/tasks/${id}/status`)).json()) as { status: string };
      expect(['pending', 'fetching', 'processing', 'saving']).to.include((await ask()).status);
      await endB(id);
      await until(() => queue.status(id) === 'finished');
      expect(await ask()).to.deep.equal({ status: 'finished' });
    });
  });

  it('ends in exactly one delivery, many at once, though a fifth of the callbacks fail where a repeat is allowed', async function () {
    this.timeout(600_000);
    const flapping = setInterval(() => void a.down().then(() => setTimeout(() => void a.up(), 250)), 1250);
    const ofA = await inTurn(STORM_TASKS, async () => {
      const id = await a.submit(SLUG, SHORT, { attempts: 100 });
      await until(() => a.results.has(id), 60);
    });
    clearInterval(flapping);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([a.results.size, ofA]).to.deep.equal([STORM_TASKS, STORM_TASKS]);
    if (!storage) return;
    b.fails = () => Math.random() < 0.2;
    const ofB = await inTurn(STORM_TASKS, async () => {
      const { id } = await b.submit(SLUG, SHORT);
      await until(() => b.endOf(id)?.status === 'finished', 60);
    });
    expect(ofB).to.equal(STORM_TASKS);
    expect([...b.tasks.values()].filter(({ updates }) => updates.length !== 1)).to.deep.equal([]);
  });

  it('is refused with 503 where too many wait, and the Engine of generation A sends it again', async () => {
    server.close();
    a.services.clear();
    metrics = new Metrics();
    await serve(new TaskQueue(detector, logger, { workers: 1, maxTasks: 1 }, metrics));
    const ids = await Promise.all(Array.from({ length: 8 }, () => a.submit(SLUG, ECG, { attempts: 100 })));
    for (const id of ids) await resultA(id);
    expect(a.computeStatuses).to.include(503);
    expect(a.computeStatuses.filter((status) => status === 200)).to.have.length(8);
  });

  it('is refused with 503 where too many outcomes wait for an Engine that cannot be reached', async () => {
    server.close();
    a.services.clear();
    metrics = new Metrics();
    await serve(new TaskQueue(detector, logger, { workers: 1, maxTasks: 1 }, metrics));
    const target = a.services.get(SLUG)?.url ?? '';
    await a.down();
    const post = async (id: string) => {
      const query = new URLSearchParams({ callback_url: `${a.url}/processing`, task_id: id });
      const body = JSON.stringify({ text: SHORT });
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${target}?${query.toString()}`, { method: 'POST', headers, body })).status;
    };
    const ids = ['1', '2', '3', '4'];
    const statuses: number[] = [];
    for (const id of ids) {
      if (statuses.length < 3) a.expect(id);
      statuses.push(await post(id));
      await until(() => statuses.length > 3 || queue.status(id) === 'saving');
    }
    expect(statuses).to.deep.equal([200, 200, 200, 503]);
    await a.up();
    for (const id of ids.slice(0, 3)) await resultA(id);
  });

  it('is refused where its callback or its storage may not be called', async () => {
    server.close();
    a.services.clear();
    b.forget();
    await serve(
      new TaskQueue(detector, logger, { workers: 1, maxTasks: 1 }, metrics),
      new Trust(['http://engine:8080'], [], []),
    );
    await a.submit(SLUG, SHORT);
    expect(a.computeStatuses).to.deep.equal([403]);
    if (storage) expect((await b.submit(SLUG, SHORT)).status).to.equal(403);
  });

  it('is finished and delivered in a drain, or delivered as an error where there is no time for it', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => a.submit(SLUG, ECG)));
    const noMoreTime = new AbortController();
    const drained = queue.drain(noMoreTime.signal, AbortSignal.timeout(20_000));
    await until(() => a.results.size > 0);
    noMoreTime.abort();
    expect(await drained).to.equal(true);
    const results = await Promise.all(ids.map(resultA));
    const stopped = results.filter(({ error }) => error?.startsWith('STOPPED'));
    expect(stopped.length).to.be.within(1, 11);
    expect(results.filter(({ error }) => error === undefined)).to.have.length(12 - stopped.length);
    const figures = await metrics.read();
    expect(figures).to.include(`tasks_total{outcome="finished"} ${12 - stopped.length}\n`);
    expect(figures).to.include(`tasks_total{outcome="error"} ${stopped.length}\n`);
    await a.submit(SLUG, SHORT);
    expect(a.computeStatuses.at(-1)).to.equal(503);
  });

  it('that cannot be delivered before the service ends is named in the log', async () => {
    const id = await a.submit(SLUG, SHORT);
    await a.down();
    const delivered = a.results.has(id);
    expect(await queue.drain(AbortSignal.timeout(1000), AbortSignal.timeout(1500))).to.equal(delivered);
    if (!delivered) expect(logged.some((line) => line.includes('task lost') && line.includes(id))).to.equal(true);
  });
});
