import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type RunningProcess, run, start } from './support/processes.js';
import { type Service, startService } from './support/service.js';

const ECG = new Uint8Array(readFileSync('model_creation/data/test.csv'));
const TOKEN = 'token';
const isInstalled = (tool: string) => existsSync(`/usr/bin/${tool}`);

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

const dashboard = JSON.parse(readFileSync('monitoring/dashboard.json', 'utf8')) as { panels: Panel[] };

/** The queries of the dashboard, by panel, as they are for one service over a few seconds. */
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => {
    const query = expr.replaceAll('$job', '.+').replaceAll('$instance', '.+').replaceAll('$__rate_interval', '20s');
    return { title, query: query.replaceAll('[1h]', '[20s]') };
  }),
);

describe('/metrics', function () {
  let service: Service;

  before(async () => {
    service = await startService(undefined, { MAX_TASKS: '2', RELOAD_TOKEN: TOKEN });
  });
  after(() => service.stop());

  async function compute(csv: BlobPart): Promise<number> {
    const form = new FormData();
    form.append('points', 'false');
    form.append('text', new Blob([csv]), 'data.csv');
    return (await fetch(`${service.url}/compute`, { method: 'POST', body: form })).status;
  }

  const metrics = async () => (await fetch(`${service.url}/metrics`)).text();

  /** The value of a metric with exactly these labels. */
  async function valueOf(metric: string): Promise<number> {
    const line = (await metrics()).split('\n').find((candidate) => candidate.startsWith(`${metric} `));
    return Number(line?.split(' ').at(-1));
  }

  it('counts requests by route and status, points, anomalies and the time of each step', async () => {
    expect([await compute(ECG), await compute(ECG), await compute('x')]).to.deep.equal([200, 200, 400]);
    await Promise.all(
      ['/nowhere', '/v2/models/ecg', '/', '/docs/', '/tasks/7/status'].map((path) => fetch(service.url + path)),
    );
    const requests = async (labels: string) =>
      valueOf(`ae_ano_detection_http_request_duration_seconds_count{${labels}}`);
    expect(await requests('method="POST",route="/compute",status="200"')).to.equal(2);
    expect(await requests('method="POST",route="/compute",status="400"')).to.equal(1);
    expect(await requests('method="GET",route="none",status="404"')).to.equal(1);
    expect(await requests('method="GET",route="/v2/models/{name}",status="200"')).to.equal(1);
    expect(await requests('method="GET",route="/tasks/{taskId}/status",status="404"')).to.equal(1);
    for (const route of ['/', '/docs'])
      expect(await requests(`method="GET",route="${route}",status="200"`)).to.equal(1);
    const model = '{model="ecg",version="1"}';
    expect(await valueOf(`ae_ano_detection_points_total${model}`)).to.equal(56_000);
    expect(await valueOf(`ae_ano_detection_anomalous_points_total${model}`)).to.equal(648);
    expect(await valueOf(`ae_ano_detection_anomalies_total${model}`)).to.equal(4);
    expect(await valueOf('ae_ano_detection_step_duration_seconds_count{step="inference"}')).to.equal(2);
  });

  it('tells what waits, what is computed and which workers are busy, while it is so', async () => {
    const long = Buffer.concat([ECG, ...Array.from({ length: 10 }, () => ECG.subarray(ECG.indexOf(10) + 1))]);
    const answers = [1, 2, 3].map(() => compute(long));
    let seen = '';
    const wanted = /queue_depth 1\n[^]*detection_jobs 2\n[^]*workers 1\n[^]*workers_busy 1\n/;
    while (!wanted.test(seen)) seen = await metrics();
    expect(await Promise.all(answers)).to.deep.equal([200, 200, 200]);
    expect(await valueOf('ae_ano_detection_queue_depth')).to.equal(0);
    expect(await valueOf('ae_ano_detection_workers_busy')).to.equal(0);
  });

  it('counts who went away before the answer', async () => {
    const gone = fetch(`${service.url}/compute`, {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=x' },
      body: new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('--x\r\n')) }),
      signal: AbortSignal.timeout(200),
      duplex: 'half',
    } as RequestInit);
    await gone.catch(() => undefined);
    const aborted =
      'ae_ano_detection_http_request_duration_seconds_count{method="POST",route="/compute",status="aborted"}';
    while ((await valueOf(aborted)) !== 1) await pause(20);
  });

  it('names the models that answer, and counts reloads', async () => {
    const init = { method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } };
    expect((await fetch(`${service.url}/models/reload`, init)).status).to.equal(200);
    expect(await metrics()).to.match(/model_info\{model="ecg",version="1",sha256="[0-9a-f]{64}",default="true"\} 1\n/);
    expect(await valueOf('ae_ano_detection_model_reloads_total{outcome="finished"}')).to.equal(1);
  });

  it('is as promtool wants it', async function () {
    if (!isInstalled('promtool')) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'ae-ano-metrics-'));
    writeFileSync(join(folder, 'metrics'), await metrics());
    const { code, stderr } = await run('sh', ['-c', `promtool check metrics < ${folder}/metrics`]);
    rmSync(folder, { recursive: true });
    expect([code, stderr]).to.deep.equal([0, '']);
  });

  it('has alerts that come when they should, and only then', async function () {
    if (!isInstalled('promtool')) this.skip();
    const { code, stdout, stderr } = await run('promtool', ['test', 'rules', 'monitoring/alerts.test.yml']);
    expect(code, stdout + stderr).to.equal(0);
  });

  it('has all that the alerts and the dashboard ask for', async () => {
    const asked = [...queries.map(({ query }) => query), readFileSync('monitoring/alerts.yml', 'utf8')].join('\n');
    const names = new Set(asked.match(/\b(ae_ano_detection|http|process|nodejs)_\w+/g));
    const there = new Set([...(await metrics()).matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name));
    expect([...names].filter((name) => !there.has(name))).to.deep.equal([]);
  });

  it('fills every panel of the dashboard through a real Prometheus', async function () {
    if (!isInstalled('prometheus')) this.skip();
    const prometheus = await startPrometheus(service.url);
    try {
      // It takes its time to read for the first time, and a rate needs a second one.
      while ((await prometheus.ask('ae_ano_detection_ready')).length === 0) await pause(200);
      await Promise.all([compute(ECG), compute('x'), pause(2000)]);
      for (const { title, query } of queries) {
        expect(await prometheus.ask(query), `${title}: ${query}`).to.not.be.empty;
      }
    } finally {
      await prometheus.stop();
    }
  });
});

interface Prometheus {
  /** What a query gives now; nothing where it is none. */
  ask: (query: string) => Promise<unknown[]>;
  stop: () => Promise<void>;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function startPrometheus(target: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'ae-ano-prometheus-'));
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms' },
    rule_files: [join(process.cwd(), 'monitoring/alerts.yml')],
    scrape_configs: [{ job_name: 'ae-ano-detection', static_configs: [{ targets: [new URL(target).host] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = 20_000 + (process.pid % 10_000);
  const options = { 'config.file': join(folder, 'prometheus.yml'), 'storage.tsdb.path': join(folder, 'data') };
  const flags = Object.entries({ ...options, 'web.listen-address': `127.0.0.1:${port}` });
  const server: RunningProcess = start(
    'prometheus',
    flags.map(([name, value]) => `--${name}=${value}`),
  );
  await server.said(/Server is ready to receive web requests/);
  const stop = async () => {
    server.child.kill('SIGKILL');
    await server.finished();
    rmSync(folder, { recursive: true });
  };
  const ask = async (query: string) => {
    const parameters = new URLSearchParams({ query }).toString();
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${parameters}`);
    const { data } = (await answer.json()) as { data?: { result: unknown[] } };
    return data?.result ?? [];
  };
  return { ask, stop };
}
