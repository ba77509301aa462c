import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import type { Express } from 'express';
import request from 'supertest';
import { createApp } from '../src/app.js';
import { detectOptions } from '../src/detection/options.js';
import type { Report } from '../src/detection/report.js';
import type { ErrorAnswer } from '../src/error-handler.js';
import { createLogger } from '../src/logger.js';
import type { ModelList } from '../src/model-list.js';
import { Metrics } from '../src/metrics.js';
import { Readiness } from '../src/readiness.js';
import { Trust } from '../src/engines/trust.js';
import { Spool } from '../src/spool.js';
import { TaskQueue } from '../src/tasks/task-queue.js';
import { ReloadableDetector } from '../src/workers/reloadable-detector.js';

interface FormSchema {
  properties: Record<string, { description: string; format?: string }>;
}

const ECG = 'model_creation/data/test.csv';
const ANOMALY = { start: 23_774, end: 23_874 };
const MAX_UPLOAD_BYTES = 1_000_000;

describe('the HTTP interface', () => {
  let detector: ReloadableDetector;
  let readiness: Readiness;
  let app: Express;
  const logged: string[] = [];

  before(async () => {
    detector = await ReloadableDetector.create({ modelPath: 'model', workers: 1 });
    await detector.probe();
  });
  after(() => detector.close());

  beforeEach(() => {
    app = appWith(detector);
    readiness.becomeReady();
  });

  function appWith(answering: Pick<ReloadableDetector, 'detect' | 'infer'>, maxTasks = 50): Express {
    readiness = new Readiness();
    const logger = createLogger('info');
    logged.length = 0;
    logger.clear();
    logger.configure({ level: 'info', format: logger.format, transports: [] });
    const record = (_level: unknown, message?: unknown, meta?: unknown) => logged.push(JSON.stringify([message, meta]));
    const spied = Object.assign(logger, { log: record, error: (m: unknown, x: unknown) => record('', m, x) });
    const config = { maxUploadBytes: MAX_UPLOAD_BYTES, deliverySeconds: 1, reloadToken: undefined };
    const metrics = new Metrics();
    const queue = new TaskQueue(answering, spied, { workers: 1, maxTasks }, metrics);
    const trust = new Trust([], [], []);
    const spool = new Spool(maxTasks);
    return createApp({ config, detector, queue, spool, metrics, trust, logger: spied, readiness });
  }

  const compute = () => request(app).post('/compute');
  const send = (csv: string) => compute().attach('text', Buffer.from(csv), 'series.csv');
  const ecgRows = (count: number) =>
    readFileSync(ECG, 'utf8')
      .split('\r\n')
      .slice(0, count + 1)
      .join('\n');

  describe('POST /compute', () => {
    it('finds the anomaly of the ECG, and flags under 1 % of the points outside it', async () => {
      const { body, status } = await compute().attach('text', ECG);
      expect(status).to.equal(200);
      const { error, isAnomaly, anomalies, length } = body as Required<Report>;
      expect([length, error.length, isAnomaly.length]).to.deep.equal([28_000, 28_000, 28_000]);
      const largest = error.indexOf(error.reduce((a, b) => Math.max(a, b)));
      expect(largest).to.be.within(ANOMALY.start - 100, ANOMALY.end + 100);
      expect(anomalies.some(({ start, end }) => start <= ANOMALY.end && end >= ANOMALY.start)).to.equal(true);
      const outside = isAnomaly.filter((flag, i) => flag && (i < ANOMALY.start || i > ANOMALY.end)).length;
      expect(outside / 28_000).to.be.below(0.01);
    });

    it('takes the file in the field "file" as well', async () => {
      const asText = await compute().field('points', 'false').attach('text', ECG);
      const asFile = await compute().field('points', 'false').attach('file', ECG);
      expect([asFile.status, asText.status]).to.deep.equal([200, 200]);
      expect(asFile.body).to.deep.equal(asText.body);
    });

    it('answers JSON whatever the values are, and flags those that are beyond all measure', async () => {
      for (const value of ['1e22', '-3.4028235e38', '1e300']) {
        const { body } = await send(`${ecgRows(100)}\n${value}\n${ecgRows(100).split('\n').slice(1).join('\n')}`);
        const { anomalies, error } = body as Required<Report>;
        expect(error.every(Number.isFinite), value).to.equal(true);
        expect(
          anomalies.some(({ start, end }) => start <= 100 && end >= 100),
          value,
        ).to.equal(true);
      }
    });

    it('leaves the arrays out where points is false', async () => {
      const { body } = await send(ecgRows(200)).field('points', 'false');
      expect(body).to.include({ length: 200 }).and.to.not.have.any.keys('error', 'score', 'isAnomaly');
    });

    it('takes the percentile that is asked for, in the form or in the query', async () => {
      const form = await send(ecgRows(200)).field('points', 'false').field('percentile', '50');
      const query = await send(ecgRows(200)).query({ points: false, percentile: 50 });
      expect((form.body as Report).percentile).to.equal(50);
      expect((form.body as Report).anomalousPoints).to.be.above(0);
      expect(query.body).to.deep.equal(form.body);
    });

    it('answers CSV where that is accepted, a row for each row of the input', async () => {
      const { text, headers } = await send(ecgRows(200)).set('Accept', 'text/csv');
      expect(headers['content-type']).to.equal('text/csv; charset=utf-8');
      const rows = text.trimEnd().split('\n');
      expect(rows).to.have.lengthOf(201);
      expect(rows[0]).to.equal('value,expected,error,score,isAnomaly');
    });

    it('answers a plot where that is accepted', async () => {
      const { body, headers } = await send(ecgRows(200)).set('Accept', 'image/png');
      expect(headers['content-type']).to.equal('image/png');
      expect((body as Buffer).subarray(1, 4).toString()).to.equal('PNG');
    });

    it('takes the CSV in JSON as well', async () => {
      const { body } = await compute().send({ text: ecgRows(200), percentile: 98, points: false });
      expect(body).to.include({ percentile: 98, length: 200 }).and.not.have.property('error');
    });

    it('tells how long each step took, after the answer where that was sent while it was computed', async () => {
      const steps = /^parsing;dur=[\d.]+, inference;dur=.*, verdict;dur=.*, report;dur=/;
      const short = await send(ecgRows(200));
      expect(short.headers['server-timing']).to.match(steps);
      expect(Number(short.headers['content-length'])).to.be.above(200);
      const long = (await compute().set('Accept', 'text/csv').attach('text', ECG)) as unknown as {
        res: IncomingMessage;
      };
      expect(long.res.trailers['server-timing']).to.match(steps);
    });
  });

  describe('answers bad input with a code, a text and the place', () => {
    const cases: [name: string, status: number, code: string, ask: () => request.Test][] = [
      ['no file', 400, 'NO_FILE', () => compute().field('percentile', '99')],
      ['an empty file', 400, 'EMPTY_FILE', () => send('')],
      ['no number in it', 400, 'NO_NUMBERS', () => send('hello\nworld\n')],
      ['a wrong column', 400, 'WRONG_COLUMNS', () => send('other\n1\n2\n')],
      ['too many columns', 400, 'WRONG_COLUMNS', () => send('1,2\n3,4\n')],
      ['a cell that is no number', 400, 'NOT_A_NUMBER', () => send('value\n1\nx\n')],
      ['fewer points than the window', 400, 'TOO_FEW_POINTS', () => send('value\n1\n2\n')],
      ['a percentile above 100', 400, 'INVALID_PARAMETER', () => send(ecgRows(200)).field('percentile', '100.1')],
      ['a percentile that is no number', 400, 'INVALID_PARAMETER', () => send(ecgRows(200)).field('percentile', '')],
      ['points that is no truth value', 400, 'INVALID_PARAMETER', () => send(ecgRows(200)).field('points', 'maybe')],
      ['an unknown model', 404, 'UNKNOWN_MODEL', () => send(ecgRows(200)).field('model', 'pump')],
      ['an unknown parameter', 400, 'INVALID_PARAMETER', () => send(ecgRows(200)).field('percentil', '99')],
      ['a parameter sent twice', 400, 'INVALID_PARAMETER', () => send('').field('points', ['true', 'false'])],
      ['an unknown file field', 400, 'UNEXPECTED_FIELD', () => compute().attach('csv', ECG)],
      ['two files', 400, 'UNEXPECTED_FIELD', () => send('1\n').attach('file', ECG)],
      ['a form cut off', 400, 'MALFORMED_UPLOAD', cutOffForm],
      ['a form without a boundary', 400, 'MALFORMED_UPLOAD', () => compute().type('multipart/form-data').send('x')],
      ['an answer in a form we do not have', 406, 'NOT_ACCEPTABLE', () => send('').set('Accept', 'image/jpeg')],
      ['a file over the limit', 413, 'FILE_TOO_LARGE', () => send('1\n'.repeat(MAX_UPLOAD_BYTES / 2 + 1))],
      ['a CSV that is no file', 400, 'NO_FILE', () => compute().field('text', '1\n'.repeat(1000))],
      ['a nested field', 400, 'UNEXPECTED_FIELD', () => send('1\n').field('percentile[50000000]', '1')],
      ['a nested text', 400, 'UNEXPECTED_FIELD', () => compute().field('text[a]', '1')],
      ['points that is the name of a method', 400, 'INVALID_PARAMETER', () => send('').field('points', 'constructor')],
      ['a percentile in hexadecimal', 400, 'INVALID_PARAMETER', () => send(ecgRows(200)).field('percentile', '0x10')],
      ['a wrong content type', 415, 'UNSUPPORTED_MEDIA_TYPE', () => compute().type('text/csv').send('1\n2\n')],
      ['no content type', 415, 'UNSUPPORTED_MEDIA_TYPE', () => compute()],
      ['JSON that is none', 400, 'MALFORMED_UPLOAD', () => compute().type('json').send('{"text":')],
      ['JSON without a CSV', 400, 'NO_FILE', () => compute().send({ txt: '1' })],
      [
        'JSON over the limit',
        413,
        'FILE_TOO_LARGE',
        () => compute().send({ text: '1\n'.repeat(MAX_UPLOAD_BYTES / 2) }),
      ],
      ['an option in JSON that is none', 400, 'INVALID_PARAMETER', () => compute().send({ text: '1', margin: [1] })],
      [
        'an Engine that names two tasks',
        400,
        'INVALID_PARAMETER',
        () => compute().query('task_id=1&task_id=2').send({}),
      ],
      ['a task of an Engine that nobody named', 403, 'ADDRESS_NOT_ALLOWED', () => sendForCallback('http://other/x')],
      ['a callback that is no address', 400, 'INVALID_PARAMETER', () => sendForCallback('file:///etc/passwd')],
      ['a task of generation B without storage', 400, 'INVALID_PARAMETER', () => compute().send({ task: { id: 'a' } })],
      ['a task that nobody knows', 404, 'NOT_FOUND', () => request(app).get('/tasks/x/status')],
      ['an unknown route', 404, 'NOT_FOUND', () => request(app).get('/nothing')],
    ];
    for (const [name, status, code, ask] of cases) {
      it(`${name}: ${status} ${code}`, async () => {
        const response = await ask();
        const { message, requestId, ...rest } = response.body as ErrorAnswer;
        expect(rest.code, message).to.equal(code);
        expect(response.status).to.equal(status);
        expect(rest).to.have.all.keys('code', 'details');
        expect(message).to.match(/\.$/);
        expect(requestId).to.equal(response.headers['x-request-id']);
      });
    }

    function sendForCallback(callbackUrl: string): request.Test {
      return send(ecgRows(200)).query({ callback_url: callbackUrl, task_id: '1' });
    }

    function cutOffForm(): request.Test {
      const type = 'multipart/form-data; boundary=x';
      return compute().set('Content-Type', type).send('--x\r\nContent-Disposition: form-data; name="text"');
    }

    it('a wrong method: 405 with those that are allowed', async () => {
      const response = await request(app).get('/compute');
      expect(response.status).to.equal(405);
      expect(response.headers.allow).to.equal('POST');
      expect((response.body as ErrorAnswer).code).to.equal('METHOD_NOT_ALLOWED');
    });

    it('a part of the page that there is not: 416, and one that must be another: 412', async () => {
      for (const [header, value, status, code] of [
        ['range', 'bytes=99999999-', 416, 'RANGE_NOT_SATISFIABLE'],
        ['if-match', '"another"', 412, 'PRECONDITION_FAILED'],
      ] as const) {
        const response = await request(app).get('/').set(header, value);
        expect([response.status, (response.body as ErrorAnswer).code]).to.deep.equal([status, code]);
      }
    });

    it('names row and column of a cell that is no number', async () => {
      const { details } = (await send('value\n1\nabc\n')).body as ErrorAnswer;
      expect(details).to.deep.equal({ row: 3, column: 'value', expected: 'a number', received: '"abc"' });
    });

    it('goes on serving after each of them', async () => {
      expect((await send(ecgRows(200))).status).to.equal(200);
    });
  });

  it('tells nothing of the inside of an error that nobody foresaw, and logs it whole', async () => {
    const fail = () => Promise.reject(new Error('secret detail'));
    const failing = { detect: fail, infer: fail };
    app = appWith(failing);
    readiness.becomeReady();
    const { status, body, text } = await send(ecgRows(200));
    expect(status).to.equal(500);
    expect((body as ErrorAnswer).code).to.equal('INTERNAL');
    expect(text).to.not.include('secret');
    const entry = logged.find((line) => line.includes('secret detail'));
    expect(entry)
      .to.include('app.test.ts')
      .and.to.include((body as ErrorAnswer).requestId);
  });

  it('breaks off an answer that fails on its way, logs it whole and counts it as 500', async () => {
    const fail = async (_request: unknown, write: (piece: { bytes: Uint8Array }) => Promise<void>) => {
      for (const text of ['{', '"length":']) await write({ bytes: Buffer.from(text) });
      throw new Error('lost on the way');
    };
    app = appWith({ detect: fail, infer: fail } as never);
    readiness.becomeReady();
    const outcome = await send(ecgRows(200)).catch((error: unknown) => (error as Error).message);
    expect(outcome).to.equal('aborted');
    expect(logged.find((line) => line.includes('lost on the way'))).to.include('app.test.ts');
    const isRequest = (line: string) => line.startsWith('["request"');
    while (!logged.some(isRequest)) await new Promise(setImmediate);
    expect(logged.find(isRequest)).to.include('"status":500').and.to.include('"answered":false');
  });

  it('answers 503 with Retry-After where too many requests wait', async () => {
    const wait = () => new Promise<never>(() => undefined);
    const stuck = { detect: wait, infer: wait };
    app = appWith(stuck, 1);
    readiness.becomeReady();
    // Two are taken up, one waits, and the next is refused.
    const taken = Array.from({ length: 3 }, () =>
      send(ecgRows(200))
        .timeout(1000)
        .catch(() => undefined),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { status, headers } = await send(ecgRows(200));
    expect([status, headers['retry-after']]).to.deep.equal([503, '5']);
    await Promise.all(taken);
  });

  it('keeps the request id that the caller sends, unless it could do harm in a log', async () => {
    const kept = await request(app).get('/health/live').set('X-Request-Id', 'abc-123');
    const replaced = await request(app).get('/health/live').set('X-Request-Id', 'a b"c');
    expect(kept.headers['x-request-id']).to.equal('abc-123');
    expect(replaced.headers['x-request-id']).to.match(/^[\w-]{36}$/);
  });

  it('is ready once the probe is through, until it drains, and takes work only then', async () => {
    const ask = async () => {
      const ready = await request(app).get('/health/ready');
      return [ready.status, (ready.body as { status: string }).status, (await send(ecgRows(200))).status];
    };
    app = appWith(detector);
    expect(await ask()).to.deep.equal([503, 'loading', 503]);
    readiness.becomeReady();
    expect(await ask()).to.deep.equal([200, 'ready', 200]);
    readiness.startDraining();
    expect(await ask()).to.deep.equal([503, 'draining', 503]);
    expect((await request(app).get('/health/live')).status).to.equal(200);
  });

  it('GET /model tells what the model reads, what it was trained on and what was measured', async () => {
    const { body } = await request(app).get('/model');
    expect(body).to.include({ name: 'ecg', window: 108 });
    expect(body).to.have.nested.property('columns[0].name', 'value');
    expect(body).to.have.nested.property('provenance.trainingPoints', 12_000);
    expect(body).to.have.nested.property('metrics.validationLoss').that.is.a('number');
    expect(body)
      .to.have.property('sha256')
      .that.matches(/^[0-9a-f]{64}$/);
  });

  it('GET /models lists what answers, and GET /model takes a name out of it', async () => {
    const { body } = await request(app).get('/models');
    const [model, ...others] = (body as ModelList).models;
    expect(others).to.have.lengthOf(0);
    expect(model).to.include({ name: 'ecg', version: '1', isDefault: true, window: 108 });
    const named = await request(app).get('/model').query({ model: 'ecg/1' });
    expect(named.body).to.include({ sha256: model.sha256 });
    const unknown = await request(app).get('/model').query({ model: 'pump' });
    expect([unknown.status, (unknown.body as ErrorAnswer).code]).to.deep.equal([404, 'UNKNOWN_MODEL']);
  });

  it('reads models anew for nobody where no token was set', async () => {
    const { status, body } = await request(app).post('/models/reload').set('Authorization', 'Bearer undefined');
    expect([status, (body as ErrorAnswer).code]).to.deep.equal([404, 'NOT_FOUND']);
  });

  it('serves its documentation, all of it from itself', async () => {
    const page = await request(app).get('/docs/');
    expect(page.status).to.equal(200);
    expect(page.text).to.not.match(/(src|href)="(https?:)?\/\//);
    for (const asset of ['swagger-ui-init.js', 'swagger-ui-bundle.js', 'swagger-ui.css']) {
      expect((await request(app).get(`/docs/${asset}`)).status, asset).to.equal(200);
    }
    const init = (await request(app).get('/docs/swagger-ui-init.js')).text;
    expect(init).to.match(/"validatorUrl": null/);
    expect(page.headers['content-security-policy']).to.include("style-src 'self' 'unsafe-inline'");
  });

  describe('GET /', () => {
    it('is the page, under a policy that allows nothing but what is its own', async () => {
      const { status, headers, text } = await request(app).get('/');
      expect([status, headers['content-type']]).to.deep.equal([200, 'text/html; charset=utf-8']);
      expect(headers['content-security-policy'].split(';')).to.have.members([
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ]);
      expect(text).to.include('href="docs"');
      expect(text).to.not.match(/(src|href)="(https?:)?\/\/|<style|\sstyle=|<script>/);
    });

    it('is asked for again each time, and what it is made of is kept for good', async () => {
      const page = await request(app).get('/');
      expect(page.headers['cache-control']).to.equal('no-cache');
      const again = await request(app).get('/').set('If-None-Match', page.headers.etag);
      expect(again.status).to.equal(304);
      const assets = [...page.text.matchAll(/(?:src|href)="(assets\/[\w-]+\.(?:js|css|svg))"/g)].map(
        ([, path]) => path,
      );
      expect(new Set(assets.map((path) => path.replace(/.*\./, '')))).to.deep.equal(new Set(['js', 'css', 'svg']));
      for (const path of assets) {
        const { status, headers } = await request(app).get(`/${path}`);
        expect([status, headers['cache-control']], path).to.deep.equal([200, 'public, max-age=31536000, immutable']);
      }
    });

    it('comes with a sample', async () => {
      const { status, text } = await request(app).get('/sample.csv');
      expect([status, text]).to.deep.equal([200, readFileSync(ECG, 'utf8')]);
    });
  });

  it('describes every route in the OpenAPI document', async () => {
    const { body } = await request(app).get('/openapi.json');
    const { paths } = body as { paths: Record<string, object> };
    expect(Object.keys(paths)).to.have.members([
      '/compute',
      '/health/live',
      '/health/ready',
      '/metrics',
      '/model',
      '/models',
      '/models/reload',
      '/status',
      '/tasks/{taskId}/status',
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/{name}',
      '/v2/models/{name}/infer',
      '/v2/models/{name}/ready',
      '/v2/models/{name}/versions/{version}',
      '/v2/models/{name}/versions/{version}/infer',
      '/v2/models/{name}/versions/{version}/ready',
    ]);
    const { properties } = (
      paths as unknown as Record<string, { post: { requestBody: { content: Record<string, { schema: FormSchema }> } } }>
    )['/compute'].post.requestBody.content['multipart/form-data'].schema;
    const meanings = Object.entries(detectOptions).map(([name, { meaning }]) => [name, meaning]);
    const { text, ...options } = properties;
    expect(text.format).to.equal('binary');
    expect(Object.entries(options).map(([name, { description }]) => [name, description])).to.deep.equal(meanings);
    expect(body).to.have.nested.property('paths./compute.post.responses.200.content.text/csv');
  });
});
