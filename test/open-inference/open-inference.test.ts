import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { expect } from 'chai';
import type { Report } from '../../src/detection/report.js';
import type { OpenInferenceError } from '../../src/error-handler.js';
import type { InferenceAnswer } from '../../src/open-inference/response.js';
import { meanModelBytes } from '../support/models.js';
import { run } from '../support/processes.js';
import { type Service, startService } from '../support/service.js';

const PYTHON = '.venv/bin/python';
const ECG = 'model_creation/data/test.csv';
const DEEP = '['.repeat(50_000) + ']'.repeat(50_000);
const LENGTH = 'Inference-Header-Content-Length';

interface Summary {
  points: number;
  largest: number;
  anomalous: number;
  types: string[];
  sum: number;
}

interface TritonAnswers extends Record<string, unknown> {
  options: InferenceAnswer;
  gap: InferenceAnswer['parameters'];
}

describe('the Open Inference Protocol', function () {
  let service: Service;

  before(async () => {
    const pair = meanModelBytes([
      { mean: 0, scale: 1 },
      { mean: 10, scale: 1 },
    ]);
    service = await startService(
      { 'ecg/1': readFileSync('model/ecg/1/model.onnx'), 'pair/1': pair, 'pair/3': pair },
      { MAX_UPLOAD_BYTES: '6000000' },
    );
  });
  after(() => service.stop());

  async function infer(body: unknown, path = 'pair/infer', headers: Record<string, string> = {}) {
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const answer = await fetch(`${service.url}/v2/models/${path}`, { method: 'POST', body: text as string, headers });
    return { status: answer.status, body: (await answer.json()) as InferenceAnswer & OpenInferenceError };
  }

  async function compute(fields: Record<string, string>): Promise<Required<Report>> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('text', new Blob([readFileSync(ECG)]), 'test.csv');
    return (await (await fetch(`${service.url}/compute`, { method: 'POST', body: form })).json()) as Required<Report>;
  }

  async function metrics(): Promise<string> {
    return (await fetch(`${service.url}/metrics`)).text();
  }

  const rows = Array.from({ length: 8 }, (_, i) => [i % 2, 10]);
  const series = (changes: object = {}) => ({
    inputs: [{ name: 'series', datatype: 'FP64', shape: [8, 2], data: rows, ...changes }],
  });

  it("is spoken with Triton's client: JSON and bytes, in any mixture, and errors", async function () {
    if (!existsSync(PYTHON) || (await run(PYTHON, ['-c', 'import tritonclient.http'])).code !== 0) {
      console.log('    tritonclient is not installed (requirements-ci.txt): what needs it is skipped');
      this.skip();
    }
    const client = 'test/open-inference/triton_client.py';
    const { stdout, stderr } = await run(PYTHON, [client, service.url.replace('http://', ''), 'ecg', ECG]);
    expect(stdout, stderr).to.not.equal('');
    const answers = JSON.parse(stdout) as TritonAnswers;
    const { error, anomalousPoints } = await compute({ model: 'ecg' });
    const expected: Summary = {
      points: 28_000,
      largest: error.indexOf(Math.max(...error)),
      anomalous: anomalousPoints,
      types: ['float32', 'bool'],
      sum: error.reduce((sum, each) => sum + Math.fround(each), 0),
    };
    for (const how of ['all', 'binary', 'json', 'mixed', 'floats']) {
      const { sum, ...rest } = answers[how] as Summary;
      expect({ ...rest, sum: sum.toFixed(6) }, how).to.deep.equal({ ...expected, sum: expected.sum.toFixed(6) });
    }
    const { live, ready, modelReady, versionReady, unknownReady, outputs } = answers;
    expect([live, ready, modelReady, versionReady, unknownReady]).to.deep.equal([true, true, true, true, false]);
    expect(outputs).to.deep.equal(['error', 'column_error', 'expected', 'score', 'isAnomaly']);
    expect(answers.server).to.deep.include({ name: 'ae-ano-detection', extensions: ['binary_tensor_data'] });
    expect(answers.metadata).to.deep.include({ name: 'ecg', versions: ['1'], platform: 'onnx_onnxv1' });
    const judged = await compute({ model: 'ecg', percentile: '95', margin: '2', points: 'false' });
    expect(answers.options.parameters).to.include({ threshold: judged.threshold, percentile: 95 });
    expect(answers.options.parameters.anomalousPoints).to.equal(judged.anomalousPoints);
    expect(answers.gap.warnings).to.match(/20 of 28000 points lack a value/);
    expect(answers.unknownModel).to.deep.equal([
      '404',
      'UNKNOWN_MODEL: There is no model "nobody": expected one of ecg/1, pair/3, pair/1.',
    ]);
    expect((answers.unknownVersion as string[])[0]).to.equal('404');
    expect((answers.wrongShape as string[])[1]).to.include('expected [n, 1], got [14000,2]');
    expect((answers.wrongOption as string[])[1]).to.include('INVALID_PARAMETER: Unknown parameter "percentil"');
    expect((answers.tooShort as string[])[1]).to.include('TOO_FEW_POINTS');
    expect((answers.compressed as string[])[0]).to.equal('415');
  });

  it('takes numbers flat or by rows, null for a missing value, and answers what is wanted by name', async () => {
    const wanted = { id: 'seven', outputs: [{ name: 'expected' }, { name: 'isAnomaly' }] };
    const { status, body } = await infer({ ...series(), ...wanted });
    expect([status, body.id, body.model_name, body.model_version]).to.deep.equal([200, 'seven', 'pair', '3']);
    expect(body.outputs).to.deep.equal([
      { name: 'expected', datatype: 'FP64', shape: [8, 2], data: Array(8).fill([0, 10]).flat() },
      { name: 'isAnomaly', datatype: 'BOOL', shape: [8], data: body.outputs[1].data },
    ]);
    const flat = await infer({ ...series({ data: rows.flat() }), ...wanted }, 'pair/versions/1/infer');
    expect(flat.body).to.deep.equal({ ...body, model_version: '1' });
    const gap = rows.with(3, [null as unknown as number, 10]);
    expect((await infer(series({ data: gap }))).body.parameters.warnings).to.match(/1 of 8 points lacks? a value/);
  });

  it('takes more bytes than are kept in memory', async () => {
    const values = Float64Array.from({ length: 400_000 }, (_, k) => (k % 2) * 10);
    const { status, body } = await binary(values.fill(500, 300_000, 300_001), 200_000);
    expect([status, body.outputs[0].shape]).to.deep.equal([200, [200_000]]);
    expect((body.outputs[0].data as number[]).findIndex((error) => error > 100)).to.be.within(149_990, 150_000);
  });

  it('takes the bytes of the tensor alone, and answers bytes whose length it tells', async () => {
    const init = { method: 'POST', headers: { [LENGTH]: '0' }, body: Float64Array.from(rows.flat()) };
    const answer = await fetch(`${service.url}/v2/models/pair/infer`, init);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, Number(answer.headers.get('content-length'))]).to.deep.equal([200, bytes.length]);
    const json = bytes.subarray(0, Number(answer.headers.get(LENGTH)));
    const { outputs } = JSON.parse(json.toString()) as InferenceAnswer;
    const sizes = outputs.map(({ parameters }) => parameters?.binary_data_size ?? 0);
    expect(sizes).to.deep.equal([32, 64, 128, 32, 8]);
    const expectedAt = json.length + sizes[0] + sizes[1];
    const values = Array.from({ length: 4 }, (_, k) => bytes.readDoubleLE(expectedAt + 8 * k));
    expect(values).to.deep.equal([0, 10, 0, 10]);
  });

  it('keeps nobody waiting for those who do not read', async () => {
    const values = new Float64Array(2 * 200_000);
    const json = JSON.stringify(
      series({ data: undefined, shape: [200_000, 2], parameters: { binary_data_size: values.byteLength } }),
    );
    const { hostname, port } = new URL(service.url);
    const deaf = Array.from({ length: 6 }, () => {
      const socket = connect(Number(port), hostname).pause();
      socket.write(`POST /v2/models/pair/infer HTTP/1.1\r\nHost: x\r\n${LENGTH}: ${json.length}\r\n`);
      socket.write(`Content-Length: ${json.length + values.byteLength}\r\n\r\n${json}`);
      socket.write(Buffer.from(values.buffer));
      return socket;
    });
    try {
      await until(async () => /detection_jobs 2\n/.test(await metrics()));
      expect((await infer(series())).status).to.equal(200);
      await until(async () => /workers_busy 0\n/.test(await metrics()));
    } finally {
      for (const socket of deaf) socket.destroy();
    }
    await until(async () => /detection_jobs 0\n/.test(await metrics()));
  });

  it('keeps no file of a request that was answered, or cut off', async () => {
    const values = new Float64Array(400_000);
    for (let i = 0; i < 3; i++) expect((await binary(values, 200_000)).status).to.equal(200);
    await until(() => spooledFiles(service) === 0);
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST /v2/models/pair/infer HTTP/1.1\r\nHost: x\r\n${LENGTH}: 2\r\nContent-Length: 5000000\r\n\r\n`);
    socket.write(Buffer.alloc(3_000_000));
    await until(() => spooledFiles(service) === 1);
    socket.destroy();
    await until(() => spooledFiles(service) === 0);
  });

  it('tells the versions of a model, the newest first', async () => {
    const answer = await fetch(`${service.url}/v2/models/pair`);
    expect(await answer.json()).to.deep.include({ versions: ['3', '1'] });
  });

  const mistakes: [what: string, status: number, told: RegExp, send: () => ReturnType<typeof infer>][] = [
    ['no JSON', 400, /MALFORMED_UPLOAD: .*JSON cannot be read/, () => infer('{')],
    ['nothing', 400, /JSON cannot be read/, () => infer('')],
    ['no input', 400, /"inputs": /, () => infer({ inputs: [] })],
    [
      'an input of another name',
      400,
      /"inputs\.0\.name": expected "series", got "x"/,
      () => infer(series({ name: 'x' })),
    ],
    [
      'whole numbers',
      400,
      /"inputs\.0\.datatype": expected "FP64" or "FP32", got "INT64"/,
      () => infer(series({ datatype: 'INT64' })),
    ],
    ['a shape of one extent', 400, /expected \[n, 2\], got \[16\]/, () => infer(series({ shape: [16] }))],
    ['too few numbers', 400, /expected 16 numbers, got 14/, () => infer(series({ data: rows.slice(1) }))],
    [
      'lists in lists in lists',
      400,
      /row 0: expected a list of 2 like the others, got a list of one/,
      () => infer(JSON.stringify(series({ shape: [1, 2], data: ['deep', [0, 0]] })).replace('"deep"', DEEP)),
    ],
    [
      'the same output twice',
      400,
      /"outputs": expected each output once/,
      () => infer({ ...series(), outputs: [{ name: 'error' }, { name: 'error' }] }),
    ],
    ['no point', 400, /TOO_FEW_POINTS: The series has 0 points/, () => infer(series({ shape: [0, 2], data: [] }))],
    ['a path that cannot be decoded', 400, /The path cannot be read/, () => infer(series(), '%E0%A4%A/infer')],
    [
      'a text among numbers',
      400,
      /NOT_A_NUMBER: .*at 3: .*got "x"/,
      () => infer(series({ data: rows.with(1, [0, 'x' as never]) })),
    ],
    ['no data', 400, /expected a list of numbers, got nothing/, () => infer(series({ data: undefined }))],
    [
      'rows of other lengths than the columns',
      400,
      /row 1: expected a list of 2 like the others, got a list of 3/,
      () => infer(series({ data: [[0, 10], [0, 10, 0], [10], ...rows.slice(3)] })),
    ],
    [
      'numbers between rows',
      400,
      /row 2: expected a list of 2 like the others, got 10/,
      () => infer(series({ data: [[0, 10], [0, 10], 10, 0, ...rows.slice(3)] })),
    ],
    [
      'a tensor in shared memory',
      400,
      /"outputs\.0\.parameters": expected binary_data, got "shared_memory_region"/,
      () => infer({ ...series(), outputs: [{ name: 'error', parameters: { shared_memory_region: 'r' } }] }),
    ],
    [
      'no number for an option',
      400,
      /"parameters\.margin": expected .*number.*, got null/,
      () => infer({ ...series(), parameters: { margin: null } }),
    ],
    ['half a point', 400, /expected a whole number, got 1\.5/, () => infer(series({ shape: [1.5, 2] }))],
    [
      'a part of a row, in bytes alone',
      400,
      /expected a multiple of 16 bytes, and 24 came/,
      () => infer(new Uint8Array(24), 'pair/infer', { [LENGTH]: '0' }),
    ],
    [
      'a column without values',
      400,
      /NO_NUMBERS: Column c1/,
      () => infer(series({ data: rows.map(([a]) => [a, null]) })),
    ],
    ['too few points', 400, /TOO_FEW_POINTS/, () => infer(series({ shape: [1, 2], data: [[1, 2]] }))],
    ['an unknown output', 400, /outputs\.0\.name/, () => infer({ ...series(), outputs: [{ name: 'x' }] })],
    [
      'another model among the parameters',
      400,
      /Unknown parameter "model"/,
      () => infer({ ...series(), parameters: { model: 'ecg' } }),
    ],
    [
      'bytes that belong nowhere',
      400,
      /5 bytes follow/,
      () => infer(`${JSON.stringify(series())}12345`, 'pair/infer', { [LENGTH]: `${JSON.stringify(series()).length}` }),
    ],
    ['fewer bytes than are said', 400, /128 bytes, said are 128, and 8 came/, () => binary(new Float64Array(1))],
    [
      'an infinite number',
      400,
      /NOT_A_NUMBER: Point 1, column c0: .*got Infinity/,
      () => binary(new Float64Array(16).fill(Infinity, 2, 3)),
    ],
    [
      'a header length that is no number',
      400,
      /INVALID_PARAMETER: Header/,
      () => infer('{}', 'pair/infer', { [LENGTH]: 'x' }),
    ],
    [
      'a header longer than the body',
      400,
      /said to have 99 bytes, and 2 came/,
      () => infer('{}', 'pair/infer', { [LENGTH]: '99' }),
    ],
    ['much JSON', 413, /FILE_TOO_LARGE: .*binary tensors/, () => infer(' '.repeat(5_000_000))],
    [
      'many bytes',
      413,
      /FILE_TOO_LARGE: .*6000000 bytes/,
      () => infer(new Uint8Array(6_000_001), 'pair/infer', { [LENGTH]: '2' }),
    ],
    [
      'much JSON before bytes',
      413,
      /FILE_TOO_LARGE: .*JSON/,
      () => infer(' '.repeat(5_000_000), 'pair/infer', { [LENGTH]: '5000000' }),
    ],
    [
      'a parameter with a long name',
      400,
      /INVALID_PARAMETER: .{20,200}$/,
      () => infer({ ...series(), parameters: { ['x'.repeat(100_000)]: null } }),
    ],
    [
      'another kind of output than by yes or no',
      400,
      /"parameters\.binary_data_output": .*boolean/,
      () => infer({ ...series(), parameters: { binary_data_output: 'true' } }),
    ],
    [
      'an unknown version',
      404,
      /UNKNOWN_MODEL: .*"pair\/2": expected one of ecg\/1, pair\/3, pair\/1/,
      () => infer(series(), 'pair/versions/2/infer'),
    ],
  ];

  function binary(values: Float64Array, points = 8) {
    const parameters = { binary_data_size: 16 * points };
    const json = JSON.stringify(series({ data: undefined, shape: [points, 2], parameters }));
    const body = Buffer.concat([Buffer.from(json), Buffer.from(values.buffer)]);
    return infer(body, 'pair/infer', { [LENGTH]: `${json.length}` });
  }

  for (const [what, status, told, send] of mistakes) {
    it(`answers ${what} with ${status} in its own form`, async () => {
      const answer = await send();
      expect(answer.body.error).to.match(told);
      expect(answer.status).to.equal(status);
      expect(answer.body).to.have.all.keys('error');
    });
  }

  it('answers floods of what may only be few with 400, in little memory', async () => {
    const small = await startService(
      { 'pair/1': meanModelBytes([{ mean: 0, scale: 1 }]) },
      { NODE_OPTIONS: '--max-old-space-size=256' },
    );
    try {
      const many = (length: number) => Array.from({ length }, () => ({}));
      const floods = {
        outputs: { ...series(), outputs: many(1_300_000) },
        inputs: { inputs: many(1_300_000) },
        sides: series({ shape: many(1_300_000) }),
        parameters: { ...series(), parameters: Object.fromEntries(many(300_000).map((_, i) => [`p${i}`, {}])) },
      };
      for (const [what, flood] of Object.entries(floods)) {
        const answer = await fetch(`${small.url}/v2/models/pair/infer`, {
          method: 'POST',
          body: JSON.stringify(flood),
        });
        const { error } = (await answer.json()) as OpenInferenceError;
        expect([answer.status, error.slice(0, 17), error.length < 250], what).to.deep.equal([
          ...[400, 'INVALID_PARAMETER', true],
        ]);
      }
      expect(small.server.stderr).to.not.include('"level":"error"');
    } finally {
      await small.stop();
    }
  });

  it('takes a body that says it is not compressed, and a path that writes the slash otherwise', async () => {
    expect((await infer(series(), 'pair/infer', { 'Content-Encoding': 'Identity' })).status).to.equal(200);
    for (const path of ['pair%2F1', 'pair%2F1/ready']) {
      const answer = await fetch(`${service.url}/v2/models/${path}`);
      expect(await answer.json(), path).to.include({ name: 'pair' });
    }
  });

  it('answers a body without a length that is too long, before it is through', async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(Buffer.alloc(65_536, ' '));
        if (sent > 50_000_000) controller.close();
      },
    });
    const init = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    const answer = await fetch(`${service.url}/v2/models/pair/infer`, init);
    expect(answer.status).to.equal(413);
  });

  it('answers a path or a method that there is not in its own form', async () => {
    const [path, method] = await Promise.all([
      fetch(`${service.url}/v2/models`),
      fetch(`${service.url}/v2/models/pair/infer`),
    ]);
    expect([path.status, method.status, method.headers.get('allow')]).to.deep.equal([404, 405, 'POST']);
    expect(await method.json()).to.have.all.keys('error');
  });
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** How many files without a name a service holds. */
function spooledFiles({ server }: Service): number {
  const folder = `/proc/${server.child.pid}/fd`;
  return readdirSync(folder).filter((fd) => targetOf(`${folder}/${fd}`).includes('ae-ano-detection-')).length;
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // It has just gone.
    return '';
  }
}
