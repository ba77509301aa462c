import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Report } from '../src/detection/report.js';
import { type RunningProcess, run, start } from './support/processes.js';

const SERVER = 'dist/server.js';
const STRACE = '/usr/bin/strace';

function longSeries(points: number): Blob {
  const rows = readFileSync('model_creation/data/test.csv', 'utf8').trim().split('\r\n').slice(1);
  const repeated = Array.from({ length: points }, (_, i) => rows[i % rows.length]);
  return new Blob([`value\n${repeated.join('\n')}\n`]);
}

async function listening(server: RunningProcess): Promise<string> {
  const [, port] = await server.said(/"message":"listening","port":(\d+)/);
  await server.said(/"message":"ready"/);
  return `http://127.0.0.1:${port}`;
}

function compute(url: string, csv: Blob): Promise<Response> {
  const form = new FormData();
  form.set('text', csv, 'series.csv');
  form.set('points', 'false');
  return fetch(`${url}/compute`, { method: 'POST', body: form });
}

describe('the server as a process', function () {
  this.timeout(60_000);
  const servers: RunningProcess[] = [];

  before(() => {
    execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  afterEach(() => {
    for (const { child } of servers.splice(0)) child.kill('SIGKILL');
  });

  function serve(env: NodeJS.ProcessEnv = {}, command = process.execPath, args: string[] = []): RunningProcess {
    const server = start(command, [...args, SERVER], { HOST: '127.0.0.1', PORT: '0', ...env });
    servers.push(server);
    return server;
  }

  it('finishes the request under way at SIGTERM, takes no other, and exits 0', async () => {
    const server = serve();
    const url = await listening(server);
    const underWay = compute(url, longSeries(300_000));
    await new Promise((resolve) => setTimeout(resolve, 150));
    server.child.kill('SIGTERM');
    await server.said(/"message":"draining"/);
    const refused = await fetch(`${url}/health/live`).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(TypeError);
    const answer = await underWay;
    expect(answer.status).to.equal(200);
    expect(((await answer.json()) as Report).length).to.equal(300_000);
    const { code, stderr } = await server.finished();
    expect(code).to.equal(0);
    expect(stderr).to.include('"message":"stopped"');
  });

  it('exits 0 at SIGTERM though a client keeps its connection open', async () => {
    const server = serve();
    const url = await listening(server);
    await (await fetch(`${url}/health/live`)).text();
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(0);
  });

  it('exits 1 where a request is still under way at the end of the grace period', async () => {
    const server = serve({ SHUTDOWN_GRACE_SECONDS: '0' });
    const url = await listening(server);
    const underWay = compute(url, longSeries(300_000)).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 150));
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(1);
    await underWay;
  });

  it('answers health checks while a million points are computed', async () => {
    const url = await listening(serve());
    const underWay = compute(url, longSeries(1_000_000));
    let answered = 0;
    let done = false;
    void underWay.finally(() => (done = true));
    while (!done) {
      expect((await fetch(`${url}/health/live`)).status).to.equal(200);
      if (!done) answered += 1;
    }
    expect((await underWay).status).to.equal(200);
    expect(answered).to.be.above(20);
  });

  it('frees the worker of a client that goes away, and goes on serving', async () => {
    const server = serve({ WORKERS: '1' });
    const url = await listening(server);
    for (let i = 0; i < 3; i++) {
      const gone = new AbortController();
      const form = new FormData();
      form.set('text', longSeries(1_000_000), 'series.csv');
      const asked = fetch(`${url}/compute`, { method: 'POST', body: form, signal: gone.signal });
      setTimeout(() => gone.abort(), 400);
      await asked.catch(() => undefined);
    }
    expect((await compute(url, longSeries(1000))).status).to.equal(200);
    expect(server.stderr).to.not.include('"level":"error"');
  });

  it('answers 413 to an upload that is over the limit, and does not wait for its end', async () => {
    const url = await listening(serve({ MAX_UPLOAD_BYTES: '1000' }));
    const answer = await compute(url, longSeries(200_000));
    expect(answer.status).to.equal(413);
  });

  it('drops a client that sends the head of a form and nothing more, when it goes away', async () => {
    const url = await listening(serve());
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x', 'Content-Length': '1000' };
    const unfinished = request(`${url}/compute`, { method: 'POST', headers });
    unfinished.on('error', () => undefined);
    unfinished.write('--x\r\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    unfinished.destroy();
    expect((await fetch(`${url}/health/ready`)).status).to.equal(200);
  });

  it('says which variable is wrong, and does not start', async () => {
    const { code, stderr } = await run(process.execPath, [SERVER], { PORT: 'abc' });
    expect(code).to.equal(1);
    expect(stderr).to.include('PORT: expected a whole number from 0 to 65535, got "abc"');
  });

  it('says that the model is missing, and does not start', async () => {
    const { code, stderr } = await run(process.execPath, [SERVER], { MODEL_PATH: 'nowhere.onnx', PORT: '0' });
    expect(code).to.equal(1);
    expect(stderr).to.include('Cannot read the model file nowhere.onnx');
  });

  it('asks no other host for anything and leaves no files, from start to end', async function () {
    if (!existsSync(STRACE)) {
      console.warn(`      ${STRACE} is not installed: what the process connects to cannot be seen`);
      this.skip();
    }
    const home = mkdtempSync(join(tmpdir(), 'ae-ano-home-'));
    const trace = join(home, 'trace');
    const args = ['-f', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', trace, process.execPath];
    const server = serve({ HOME: home, XDG_CACHE_HOME: home, ORT_DISABLE_TELEMETRY: '' }, STRACE, args);
    const url = await listening(server);
    expect((await compute(url, longSeries(1000))).status).to.equal(200);
    const children = readFileSync(`/proc/${server.child.pid}/task/${server.child.pid}/children`, 'utf8');
    process.kill(Number(children.trim()), 'SIGTERM');
    await server.finished();
    const calls = readFileSync(trace, 'utf8').split('\n');
    expect(calls.filter((call) => /AF_INET|AF_NETLINK|:53\)/.test(call))).to.deep.equal([]);
    expect(readdirSync(home)).to.deep.equal(['trace']);
    rmSync(home, { recursive: true });
  });
});
