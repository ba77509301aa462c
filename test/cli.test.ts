import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Report } from '../src/detection/report.js';
import { meanModelBytes } from './support/models.js';
import { run } from './support/processes.js';
import { placeModels } from './support/service.js';

const ECG = 'model_creation/data/test.csv';
const detect = (...args: string[]) => run(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args]);

describe('npm run detect', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'ae-ano-cli-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('writes the verdict as JSON to standard output and nothing else', async () => {
    const { stdout, stderr, code } = await detect(ECG);
    const report = JSON.parse(stdout) as Required<Report>;
    expect(code).to.equal(0);
    expect(report.error).to.have.lengthOf(28_000);
    expect(report.anomalies.some(({ peak }) => peak >= 23_774 && peak <= 23_874)).to.equal(true);
    expect(stderr).to.match(/28000 points, \d+ anomalous/);
  });

  it('writes CSV with a row for each row of the input', async () => {
    const { stdout } = await detect(ECG, '--format', 'csv');
    const rows = stdout.trimEnd().split('\n');
    expect(rows[0]).to.equal('value,expected,error,score,isAnomaly');
    const input = readFileSync(ECG, 'utf8').trim().split('\r\n').slice(1);
    expect(rows.slice(1).map((row) => Number(row.split(',')[0]))).to.deep.equal(input.map(Number));
  });

  it('takes another model, another percentile and a file to write to', async () => {
    const [model, data, output] = ['model.onnx', 'data.csv', 'out.json'].map((name) => join(folder, name));
    writeFileSync(model, meanModelBytes([{ mean: 0, scale: 1 }]));
    writeFileSync(data, '1\n2\n3\n4\n5\n');
    const options = ['--model', model, '--percentile', '40', '--points', 'false', '--output', output];
    const { stdout, code } = await detect(data, ...options);
    expect([code, stdout]).to.deep.equal([0, '']);
    const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
    expect(report).to.include({ length: 5, percentile: 40 }).and.to.not.have.property('error');
    expect(report.model.name).to.equal('made-up');
  });

  it('takes a model by its name, and by name and version', async () => {
    for (const model of ['ecg', 'ecg/1']) {
      const { stdout } = await detect(ECG, '--model', model, '--points', 'false');
      expect((JSON.parse(stdout) as Report).model).to.include({ name: 'ecg', version: '1' });
    }
  });

  it('does not write over the CSV that it reads', async () => {
    const data = join(folder, 'same.csv');
    writeFileSync(data, '1\n2\n3\n');
    const { code, stderr } = await detect(data, '--output', data);
    expect([code, readFileSync(data, 'utf8')]).to.deep.equal([2, '1\n2\n3\n']);
    expect(stderr).to.include('another file than the CSV');
  });

  it('says what is wrong with the file that it writes to', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const { code, stderr } = await detect(ECG, '--format', 'csv', '--output', '/dev/full');
    expect(code).to.equal(2);
    expect(stderr).to.include('ENOSPC');
  });

  const mistakes: [name: string, args: string[], text: RegExp][] = [
    ['no CSV', [], /^Expected one CSV\. See --help\.\n$/],
    ['an unknown option', [ECG, '--nonsense'], /^Unknown option '--nonsense'\. See --help\.\n$/],
    ['an unknown format', [ECG, '--format', 'xml'], /json, csv or png, got "xml"/],
    ['a percentile out of range', [ECG, '--percentile', '101'], /INVALID_PARAMETER: .*0 to 100/],
    ['a CSV that is not there', ['nowhere.csv'], /^INPUT_UNAVAILABLE: nowhere.csv cannot be read: no such file/],
    ['a folder in place of a CSV', ['test'], /^INPUT_UNAVAILABLE: test cannot be read: it is a folder/],
    [
      'an output in no folder',
      [ECG, '--output', '/nonexist/x.json'],
      /^INVALID_PARAMETER: --output: [^%]*no folder \/nonexist\.\n$/,
    ],
    ['an output that is a folder', [ECG, '--output', 'test'], /^INVALID_PARAMETER: --output: [^%]*it is a folder\.\n$/],
    ['a model file that is not there', [ECG, '--model', 'nowhere.onnx'], /INVALID_MODEL: .*nowhere\.onnx/],
    ['a model that there is not', [ECG, '--model', 'ecg/7'], /UNKNOWN_MODEL: .*"ecg\/7": expected one of ecg\/1/],
  ];
  for (const [name, args, text] of mistakes) {
    it(`answers ${name} on standard error with exit code 2`, async () => {
      const { code, stdout, stderr } = await detect(...args);
      expect([code, stdout]).to.deep.equal([2, '']);
      expect(stderr).to.match(text);
    });
  }

  it('reads standard input where the CSV is -', async () => {
    const { code, stdout } = await run('sh', [
      '-c',
      `tail -n 1000 ${ECG} | npm run --silent detect -- - --points false`,
    ]);
    expect([code, (JSON.parse(stdout) as Report).length]).to.deep.equal([0, 1000]);
  });

  it('takes the models that MODEL_PATH and DEFAULT_MODEL name, as the server does', async () => {
    const models = join(folder, 'models');
    const bytes = meanModelBytes([{ mean: 0, scale: 1 }]);
    placeModels(models, { 'a/1': bytes, 'b/7': bytes });
    const data = join(folder, 'five.csv');
    writeFileSync(data, '1\n2\n3\n4\n5\n');
    const env = { MODEL_PATH: models, DEFAULT_MODEL: 'b' };
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'src/cli.ts', data], env);
    expect((JSON.parse(stdout) as Report).model).to.include({ name: 'b', version: '7' });
  });

  it('ends quietly where the reader of its output stops reading', async () => {
    const { code, stdout, stderr } = await run('sh', ['-c', `npm run --silent detect -- ${ECG} | head -c 10`]);
    expect([code, stdout.length]).to.deep.equal([0, 10]);
    expect(stderr).to.not.include('EPIPE');
  });

  it('explains itself', async () => {
    const { code, stdout } = await detect('--help');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^Usage: npm run --silent detect/);
    const options = (stdout.match(/^ +--\w+/gm) ?? []).map((option) => option.trim());
    expect(options).to.include('--model').and.to.have.lengthOf(new Set(options).size);
  });

  it('reads paths from where the caller stands, though npm runs it elsewhere', async () => {
    writeFileSync(join(folder, 'here.csv'), readFileSync(ECG));
    const command = `cd ${folder} && npm --prefix ${process.cwd()} run --silent detect -- here.csv --points false`;
    const { code, stdout } = await run('sh', ['-c', command]);
    expect(code).to.equal(0);
    expect((JSON.parse(stdout) as Report).length).to.equal(28_000);
  });
});
