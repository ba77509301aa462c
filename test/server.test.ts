import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Report } from '../src/detection/report.js';
import { EngineADouble } from './support/engine-a-double.js';
import { run, RunningProcess, start } from './support/processes.js';

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

function compute(url: string, csv: Blob, signal?: AbortSignal, accept = 'application/json'): Promise<Response> {
  const form = new FormData();
  form.set('text', csv, 'series.csv');
  form.set('points', 'false');
  return fetch(`${url}/compute`, { method: 'POST', body: form, signal, headers: { accept } });
}

/** The rows of an answer, of which no more than a piece is held. */
async function countRows({ body }: Response): Promise<number> {
  let rows = 0;
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    for (const byte of piece) if (byte === 10) rows += 1;
  }
  return rows;
}

/** The most memory that a process has had, in megabytes. */
function peakMemory({ child }: RunningProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** Ends whatever is left of a process that leads a group of its own. */
function endGroup({ child: { pid = 0 } }: RunningProcess): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    expect(error).to.have.property('code', 'ESRCH');
  }
}

describe('the server as a process', function () {
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
    expect((await fetch(`${url}/health/ready`)).status).to.equal(503);
    expect((await fetch(`${url}/health/live`)).status).to.equal(200);
    expect((await compute(url, longSeries(300))).status).to.equal(503);
    const answer = await underWay;
    expect(answer.status).to.equal(200);
    expect(((await answer.json()) as Report).length).to.equal(300_000);
    const { code, stderr } = await server.finished();
    expect(code).to.equal(0);
    expect(stderr).to.include('"message":"stopped"');
  });

  it('delivers the tasks that Engines have given it at SIGTERM, takes its leave of them, and exits 0', async () => {
    const engine = new EngineADouble();
    await engine.up();
    const server = serve({ ENGINE_URLS: engine.url, SERVICE_URL: '', WORKERS: '1' });
    const url = new URL(await listening(server));
    await server.said(/"message":"registered"/);
    // The name of this machine need not lead to where the test listens.
    for (const service of engine.services.values()) service.url = `${url.href}compute`;
    const csv = readFileSync('model_creation/data/test.csv', 'utf8');
    const ids = await Promise.all(Array.from({ length: 20 }, () => engine.submit('ae-anomaly-detection', csv)));
    server.child.kill('SIGTERM');
    const { code, stderr } = await server.finished();
    expect(code).to.equal(0);
    expect(ids.filter((id) => engine.results.has(id))).to.have.length(20);
    expect([...engine.results.values()].filter(({ error }) => error)).to.deep.equal([]);
    expect(engine.services.size).to.equal(0);
    expect(stderr.lastIndexOf('"message":"task delivered"')).to.be.below(stderr.indexOf('"message":"de-registered"'));
    expect(engine.harm).to.deep.equal([]);
    await engine.down();
  });

  it('tells Engines which tasks it could not finish within the grace period', async () => {
    const engine = new EngineADouble();
    await engine.up();
    const server = serve({ ENGINE_URLS: engine.url, WORKERS: '1', SHUTDOWN_GRACE_SECONDS: '2' });
    const url = await listening(server);
    await server.said(/"message":"registered"/);
    for (const service of engine.services.values()) service.url = `${url}/compute`;
    const csv = await longSeries(300_000).text();
    const ids = await Promise.all(Array.from({ length: 6 }, () => engine.submit('ae-anomaly-detection', csv)));
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(0);
    const results = ids.map((id) => engine.results.get(id)?.error);
    expect(results.filter((error) => error?.startsWith('STOPPED: '))).to.have.length.of.at.least(4);
    expect(engine.results.size).to.equal(6);
    await engine.down();
  });

  it('exits 0 at SIGTERM though a client keeps its connection open', async () => {
    const server = serve();
    const url = await listening(server);
    await (await fetch(`${url}/health/live`)).text();
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(0);
  });

  it('exits 1 where a request is still under way at the end of the grace period', async () => {
    const csv = longSeries(1_000_000);
    for (const milliseconds of [300, 700, 1100]) {
      const server = serve({ SHUTDOWN_GRACE_SECONDS: '0' });
      const underWay = compute(await listening(server), csv).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      server.child.kill('SIGTERM');
      expect((await server.finished()).code).to.equal(1);
      await underWay;
    }
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

  it('takes no more memory for a million points than for fifty thousand', async function () {
    if (!existsSync('/proc/self/status')) this.skip();
    // As npm start has it.
    const server = serve({}, process.execPath, ['--max-semi-space-size=2']);
    const url = await listening(server);
    const ask = async (points: number) =>
      countRows(await compute(url, longSeries(points), undefined, 'text/csv')).then((rows) => [
        rows,
        peakMemory(server),
      ]);
    const [, few] = await ask(50_000);
    const [rows, many] = await ask(1_000_000);
    expect(rows).to.equal(1_000_001);
    // The series alone, its errors and the answer come to more than a hundred megabytes.
    expect(many - few).to.be.below(60);
  });

  it('waits for a client who reads slowly, and serves others meanwhile', async () => {
    const server = serve();
    const url = await listening(server);
    const slow = await Promise.all(
      Array.from({ length: 3 }, () => compute(url, longSeries(300_000), undefined, 'text/csv')),
    );
    for (let i = 0; i < 5; i++) expect((await compute(url, longSeries(1000))).status).to.equal(200);
    expect(server.stderr).to.not.include('"length":300000');
    expect(await Promise.all(slow.map(countRows))).to.deep.equal([300_001, 300_001, 300_001]);
  });

  it('answers over HTTP/1.0, which knows no trailers, as well', async () => {
    const server = serve();
    const url = new URL(await listening(server));
    const form = new FormData();
    form.set('text', longSeries(30_000), 'series.csv');
    const posted = new Request(url, { method: 'POST', body: form });
    const type = posted.headers.get('content-type');
    const bytes = Buffer.from(await posted.arrayBuffer());
    const socket = connect(Number(url.port), url.hostname);
    const head = ['POST /compute HTTP/1.0', 'Accept: text/csv', `Content-Length: ${bytes.length}`];
    socket.write([...head, `Content-Type: ${type}`, '', ''].join('\r\n'));
    socket.write(bytes);
    let answer = '';
    for await (const piece of socket) answer += String(piece);
    expect(answer).to.match(/^HTTP\/1\.1 200 OK/);
    expect(
      answer
        .trimEnd()
        .split('\n')
        .filter((row) => /,(true|false)$/.test(row)),
    ).to.have.length(30_000);
    expect((await fetch(new URL('/health/live', url))).status).to.equal(200);
  });

  it('frees the worker of a client that goes away at any moment, and goes on serving', async () => {
    const server = serve({ WORKERS: '1', MAX_TASKS: '1' });
    const url = await listening(server);
    const csv = longSeries(3_000_000);
    // A worker that went on would still be at it, and the queue behind it full, when the next ones come.
    for (const milliseconds of [300, 1000, 2000, 2500, 3000]) {
      const gone = new AbortController();
      setTimeout(() => gone.abort(), milliseconds);
      const outcome = await compute(url, csv, gone.signal).catch((error: unknown) => error);
      expect(outcome).to.have.property('name', 'AbortError');
    }
    expect((await compute(url, longSeries(1000))).status).to.equal(200);
    expect(server.child.exitCode).to.equal(null);
  });

  it('refuses with 503 and Retry-After what would have to wait behind too many, and serves the others', async () => {
    const url = await listening(serve({ WORKERS: '1', MAX_TASKS: '1' }));
    const csv = longSeries(200_000);
    const answers = await Promise.all(Array.from({ length: 6 }, () => compute(url, csv)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).to.be.within(1, 5);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).to.deep.equal(
      refused.map(() => [503, '5']),
    );
  });

  it('answers 413 to an upload that says it is over the limit, without waiting for it', async () => {
    const url = await listening(serve({ MAX_UPLOAD_BYTES: '1000' }));
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x', 'Content-Length': '10000000' };
    const stalled = request(`${url}/compute`, { method: 'POST', headers });
    stalled.on('error', () => undefined);
    stalled.write('--x\r\n');
    const [answer] = (await once(stalled, 'response')) as [IncomingMessage];
    expect(answer.statusCode).to.equal(413);
    stalled.destroy();
  });

  it('ends at SIGTERM though clients have connected and sent nothing, or half a request', async () => {
    const server = serve();
    const url = new URL(await listening(server));
    const silent = connect(Number(url.port), url.hostname);
    const half = connect(Number(url.port), url.hostname, () => half.write('POST /compute HTTP/1.1\r\nHost: x\r\n'));
    silent.on('error', () => undefined);
    half.on('error', () => undefined);
    await (await fetch(new URL('/health/live', url))).text();
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(0);
  });

  it('exits 0 at SIGTERM while it still loads the model', async () => {
    const server = serve();
    await server.said(/"message":"listening"/);
    server.child.kill('SIGTERM');
    expect((await server.finished()).code).to.equal(0);
  });

  it('says which variable is wrong, and does not start', async () => {
    const { code, stderr } = await run(process.execPath, [SERVER], { PORT: 'abc' });
    expect(code).to.equal(1);
    expect(stderr).to.include('PORT: expected a whole number from 0 to 65535, got "abc"');
  });

  const mistakes: [name: string, env: NodeJS.ProcessEnv, text: RegExp][] = [
    ['a model that is not there', { MODEL_PATH: 'nowhere.onnx' }, /^MODEL_PATH: .*got "nowhere.onnx".*ENOENT: no such/],
    ['a default model that is none of them', { DEFAULT_MODEL: 'none' }, /^DEFAULT_MODEL: .*expected one of ecg\/1/],
    ['a host that is no address', { HOST: '999.1.1.1' }, /^HOST: .*got "999.1.1.1"/],
    ['a host of another machine', { HOST: '192.0.2.1' }, /^HOST: .*got "192.0.2.1"/],
  ];
  for (const [name, env, text] of mistakes) {
    it(`names the variable that leads to ${name}, and does not start`, async () => {
      const { code, stderr } = await run(process.execPath, [SERVER], { PORT: '0', ...env });
      expect(code).to.equal(1);
      expect(stderr).to.match(text).and.not.include('    at ');
    });
  }

  it('says that the port is taken and what to do, and does not start', async () => {
    const { port } = new URL(await listening(serve()));
    const { code, stderr } = await run(process.execPath, [SERVER], { HOST: '127.0.0.1', PORT: port });
    expect(code).to.equal(1);
    expect(stderr).to.match(new RegExp(`^PORT: ${port} is taken. .*0 takes a free one`));
  });

  it('says where the page is once it is ready', async () => {
    const server = serve();
    const url = await listening(server);
    const [, page] = await server.said(/"message":"ready".*"page":"([^"]+)"/);
    expect(page).to.equal(`${url}/`);
    expect((await fetch(page)).headers.get('content-type')).to.match(/text\/html/);
  });

  it('is built and run by npm start, which says so, and ends with it at SIGTERM', async () => {
    const env = { ...process.env, NODE_V8_COVERAGE: '', HOST: '127.0.0.1', PORT: '0' };
    const npm = new RunningProcess(spawn('npm', ['start'], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));
    try {
      const url = await listening(npm);
      expect(npm.stdout).to.match(/> .* build\n/);
      npm.child.kill('SIGTERM');
      const { code, stderr } = await npm.finished();
      expect(stderr).to.include('"message":"stopped"');
      expect(code).to.equal(0);
      expect(await fetch(url).catch(() => 'refused')).to.equal('refused');
    } finally {
      endGroup(npm);
    }
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
