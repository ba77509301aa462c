import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Report } from '../src/detection/report.js';
import type { ErrorAnswer } from '../src/error-handler.js';
import type { ModelList } from '../src/model-list.js';
import { meanModelBytes } from './support/models.js';
import { placeModels, type Service, startService } from './support/service.js';

const TOKEN = 'open sesame';
const modelAt = (mean: number) => meanModelBytes([{ mean, scale: 1 }]);
const LONG = `value\n${Array.from({ length: 3_000_000 }, (_, i) => i % 7).join('\n')}\n`;

describe('several models in one service', function () {
  let service: Service;

  beforeEach(async () => {
    const models = { 'pump/1': modelAt(1), 'pump/2': modelAt(2), 'valve/1': modelAt(3) };
    service = await startService(models, { RELOAD_TOKEN: TOKEN, DEFAULT_MODEL: 'pump/1', WORKERS: '2' });
  });
  afterEach(() => service.stop());

  async function compute(fields: Record<string, string>, csv = '1\n2\n3\n4\n5\n'): Promise<Report & ErrorAnswer> {
    const form = new FormData();
    form.append('text', new Blob([csv]), 'data.csv');
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const answer = await fetch(`${service.url}/compute`, { method: 'POST', body: form });
    return (await answer.json()) as Report & ErrorAnswer;
  }

  /** The model that answers, and what it expects everywhere: its mean. */
  async function whoAnswers(model?: string): Promise<string> {
    const { model: who, expectedValues } = await compute(model === undefined ? {} : { model });
    return `${who.name}/${who.version} ${String(expectedValues?.[0])}`;
  }

  async function reload(token = TOKEN): Promise<{ status: number; body: ModelList & ErrorAnswer }> {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${service.url}/models/reload`, { method: 'POST', headers });
    return { status: answer.status, body: (await answer.json()) as ModelList & ErrorAnswer };
  }

  const listed = ({ models }: ModelList) =>
    models.map(({ name, version, isDefault }) => `${name}/${version}${isDefault ? ' *' : ''}`);

  it('answer each by its name, a name alone by its newest version, no name by the default', async () => {
    const answered = await Promise.all([undefined, 'pump', 'pump/1', 'valve'].map(whoAnswers));
    expect(answered).to.deep.equal(['pump/1 1', 'pump/2 2', 'pump/1 1', 'valve/1 3']);
    const list = (await (await fetch(`${service.url}/models`)).json()) as ModelList;
    expect(listed(list)).to.deep.equal(['pump/2', 'pump/1 *', 'valve/1']);
    const { code, details } = await compute({ model: 'pump/7' });
    expect([code, details.expected]).to.deep.equal(['UNKNOWN_MODEL', 'pump/2, pump/1, valve/1']);
  });

  it('are read anew on command', async () => {
    placeModels(service.folder, { 'pump/1': modelAt(10), 'pump/3': modelAt(30) });
    rmSync(join(service.folder, 'valve'), { recursive: true });
    expect(await whoAnswers('pump')).to.equal('pump/2 2');
    const { status, body } = await reload();
    expect([status, listed(body)]).to.deep.equal([200, ['pump/3', 'pump/2', 'pump/1 *']]);
    expect([await whoAnswers('pump'), await whoAnswers()]).to.deep.equal(['pump/3 30', 'pump/1 10']);
    expect(await compute({ model: 'valve' })).to.include({ code: 'UNKNOWN_MODEL' });
  });

  it('finish what they began, while others take over', async () => {
    const before = compute({ points: 'false', percentile: '100' }, LONG);
    await new Promise((resolve) => setTimeout(resolve, 300));
    placeModels(service.folder, { 'pump/1': modelAt(10) });
    let finished = false;
    void before.then(() => (finished = true));
    expect((await reload()).status).to.equal(200);
    const { model: fresh } = await compute({});
    expect(finished, 'finished before the others took over').to.equal(false);
    const { model: old, length } = await before;
    expect([old.name, fresh.name, length]).to.deep.equal(['pump', 'pump', 3_000_000]);
    expect(old.sha256).to.not.equal(fresh.sha256);
  });

  it('lose no request while they are read anew again and again', async () => {
    const reloads = [1, 2, 3, 4, 5].map(() => reload());
    const answers = await Promise.all(Array.from({ length: 60 }, () => whoAnswers('valve')));
    expect(new Set(answers)).to.deep.equal(new Set(['valve/1 3']));
    expect((await Promise.all(reloads)).map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200]);
  });

  for (const [what, spoil, told] of [
    [
      'is only half written',
      (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 500)),
      'pump/2/model.onnx: The model cannot be used: it is not an ONNX file',
    ],
    [
      'does not compute',
      (path: string) => writeFileSync(path, withName(readFileSync(path), 'MatMul', 'MutMal')),
      'Model pump/2: ONNX Runtime cannot load the model',
    ],
    [
      'lacks an output',
      (path: string) => writeFileSync(path, withName(readFileSync(path), 'expected', 'expectee')),
      'Model pump/2: The model cannot be used: it has no output expected, but error, column_error, expectee.',
    ],
    [
      'reads other columns than it says',
      (path: string) =>
        writeFileSync(path, meanModelBytes([{ mean: 2, scale: 1 }], { columns: ['a', 'b'].map(columnOf) })),
      'Model pump/2: The model cannot be used: it does not compute: ',
    ],
    [
      'is the default and gone',
      (path: string) => renameSync(join(path, '../../1'), join(path, '../../9')),
      'DEFAULT_MODEL: There is no model "pump/1"',
    ],
  ] as const) {
    it(`stay as they are where one of those on disk ${what}`, async () => {
      placeModels(service.folder, { 'pump/3': modelAt(30) });
      spoil(join(service.folder, 'pump/2/model.onnx'));
      const { status, body } = await reload();
      expect([status, body.code]).to.deep.equal([422, 'INVALID_MODEL']);
      expect(body.message).to.include(told);
      expect(await whoAnswers('pump')).to.equal('pump/2 2');
      await service.server.said(/"message":"models not reloaded"/);
    });
  }

  it('are read anew for whoever has the token, and for nobody else', async () => {
    for (const token of ['', 'open', `${TOKEN}!`]) {
      const { status, body } = await reload(token);
      expect([status, body.code]).to.deep.equal([401, 'UNAUTHORIZED']);
    }
    expect(service.server.stderr).to.not.include(TOKEN);
  });
});

/** The same model, with another name of the same length in place of one. */
function withName(bytes: Uint8Array, name: string, other: string): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(name, other), 'latin1');
}

function columnOf(name: string) {
  return { name, min: 0, max: 1 };
}
