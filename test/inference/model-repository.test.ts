import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { addressOf, chooseModel, readModels } from '../../src/inference/model-repository.js';
import { expectAppError } from '../support/errors.js';
import { meanModelBytes } from '../support/models.js';
import { placeModels } from '../support/service.js';

const bytes = meanModelBytes([{ mean: 0, scale: 1 }]);

describe('a folder of models', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ae-ano-models-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const addresses = async () => (await readModels(folder)).map(({ metadata }) => addressOf(metadata));

  it('is read by name, and of each name the newest version first', async () => {
    placeModels(folder, { 'pump/9': bytes, 'pump/10': bytes, 'ecg/1.9.3': bytes, 'ecg/1.10': bytes, 'ecg/1': bytes });
    expect(await addresses()).to.deep.equal(['ecg/1.10', 'ecg/1.9.3', 'ecg/1', 'pump/10', 'pump/9']);
  });

  it('leaves out what is hidden, holds no model file, or is no folder', async () => {
    placeModels(folder, { 'pump/1': bytes, '.trash/1': bytes, 'pump/.2': bytes });
    mkdirSync(join(folder, 'pump/3'));
    mkdirSync(join(folder, 'lost+found'));
    writeFileSync(join(folder, 'metrics.json'), '{}');
    expect(await addresses()).to.deep.equal(['pump/1']);
  });

  it('leaves out what may not be read and is none for models, and names what is for models', async () => {
    placeModels(folder, { 'pump/1': bytes });
    mkdirSync(join(folder, 'lost+found'), 0o000);
    chmodSync(folder, 0o755);
    expect(await asNobody(addresses)).to.deep.equal(['pump/1']);
    mkdirSync(join(folder, 'valve'), 0o000);
    const { message } = await asNobody(() => expectAppError('INVALID_MODEL', () => readModels(folder)));
    expect(message).to.equal(`The folder ${join(folder, 'valve')} cannot be read: EACCES.`);
  });

  it('names what is for models and cannot be entered, or leads nowhere', async () => {
    placeModels(folder, { 'pump/1': bytes, 'valve/1': bytes });
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'pump'), 0o744);
    const closed = await asNobody(() => expectAppError('INVALID_MODEL', () => readModels(folder)));
    expect(closed.message).to.equal(`The folder ${join(folder, 'pump/1')} cannot be read: EACCES.`);
    chmodSync(join(folder, 'pump'), 0o755);
    symlinkSync('nowhere', join(folder, 'motor'));
    const { message } = await expectAppError('INVALID_MODEL', () => readModels(folder));
    expect(message).to.equal(`The folder ${join(folder, 'motor')} cannot be read: ENOENT.`);
  });

  it('says so where a model is no file, and does not wait for it', async () => {
    mkdirSync(join(folder, 'pump/1'), { recursive: true });
    execFileSync('mkfifo', [join(folder, 'pump/1/model.onnx')]);
    const { message } = await expectAppError('INVALID_MODEL', () => readModels(folder));
    expect(message).to.include('pump/1/model.onnx: It is no file.');
  });

  it('says so where a model is written while it is read', async () => {
    placeModels(folder, { 'pump/1': new Uint8Array(20_000_000) });
    const path = join(folder, 'pump/1/model.onnx');
    const reading = expectAppError('INVALID_MODEL', () => readModels(folder));
    const writing = setInterval(() => appendFileSync(path, 'more'));
    const { message } = await reading.finally(() => clearInterval(writing));
    expect(message).to.include('pump/1/model.onnx: It is being written');
  });

  it('may hold links, as volumes of Kubernetes do', async () => {
    placeModels(folder, { '.data/pump/1': bytes });
    symlinkSync(join('.data', 'pump'), join(folder, 'pump'));
    expect(await addresses()).to.deep.equal(['pump/1']);
  });

  it('means by a name its newest version, and without one the first model', async () => {
    placeModels(folder, { 'pump/2': bytes, 'pump/10': bytes, 'valve/1': bytes });
    const models = await readModels(folder);
    const chosen = [undefined, 'pump', 'pump/2', 'valve'].map((name) => addressOf(chooseModel(models, name).metadata));
    expect(chosen).to.deep.equal(['pump/10', 'pump/10', 'pump/2', 'valve/1']);
    const error = await expectAppError('UNKNOWN_MODEL', () => chooseModel(models, 'pump/3'));
    expect(error.message).to.include('pump/10, pump/2, valve/1');
  });

  it('must hold a model', async () => {
    const { message } = await expectAppError('INVALID_MODEL', () => readModels(folder));
    expect(message).to.include(folder).and.include('<name>/<version>/model.onnx');
  });

  for (const address of ['pump/latest', 'pump/1-beta', 'öl/1', '-x/1']) {
    it(`says what is wrong with the folders ${address}`, async () => {
      placeModels(folder, { [address]: bytes });
      const { message } = await expectAppError('INVALID_MODEL', () => readModels(folder));
      expect(message).to.include(join(address, 'model.onnx')).and.include('a version such as 2 or 1.4.0');
    });
  }

  it('names the file that is only half there', async () => {
    placeModels(folder, { 'pump/1': bytes, 'pump/2': bytes.subarray(0, bytes.length / 2) });
    const { message } = await expectAppError('INVALID_MODEL', () => readModels(folder));
    expect(message).to.include('pump/2/model.onnx: The model cannot be used: it is not an ONNX file.');
  });

  it('may be one model file, which has its own name and version', async () => {
    placeModels(folder, { 'pump/1': bytes });
    cpSync(join(folder, 'pump/1/model.onnx'), join(folder, 'any.onnx'));
    const [{ metadata }] = await readModels(join(folder, 'any.onnx'));
    expect(metadata).to.include({ name: 'made-up', version: '1.0.0' });
  });
});

/** Does something as a user who may not read everything, as root may. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.();
  if (user === 0) process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    if (user === 0) process.seteuid?.(0);
  }
}
