import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import type { Params } from '../../model_creation/params.js';
import type { Report } from '../../src/detection/report.js';
import { run } from '../support/processes.js';
import { quickParams } from '../support/training.js';

const train = (...args: string[]) => run('npm', ['run', '--silent', 'train', '--', ...args]);
const detect = (...args: string[]) => run('npm', ['run', '--silent', 'detect', '--', ...args]);

describe('npm run train', function () {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'ae-ano-train-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('trains a model that gives the same verdicts as the committed one, from the same data', async () => {
    const { code, stdout, stderr } = await train('model_creation/data/train.csv', '--output', join(folder, 'deep/er'));
    expect([code, stdout]).to.deep.equal([0, '']);
    expect(stderr).to.match(/epoch 1\/2 {2}loss [\d.]+ {2}validation loss [\d.]+ {2}at most \d+ s left/);
    const own = await detect('model_creation/data/test.csv', '--model', join(folder, 'deep/er/model.onnx'));
    const committed = await detect('model_creation/data/test.csv');
    const { model, ...verdict } = JSON.parse(own.stdout) as Report;
    const { model: other, ...expected } = JSON.parse(committed.stdout) as Report;
    expect(verdict).to.deep.equal(expected);
    expect([model.name, other.name]).to.deep.equal(['train', 'ecg']);
  });

  it('trains on 1,000,000 points, with the numbers of another file than params.yaml', async () => {
    const wave = (i: number) => (100 * Math.sin(i / 10) + 5 * Math.sin(i * i)).toFixed(3);
    const data = join(folder, 'long.csv');
    writeFileSync(data, Array.from({ length: 1_000_000 }, (_, i) => wave(i)).join('\n'));
    const params = join(folder, 'quick.yaml');
    writeFileSync(params, stringify(quickParams()));
    const { code } = await train(data, '--output', folder, '--params', params);
    expect(code).to.equal(0);
    const odd = join(folder, 'odd.csv');
    writeFileSync(odd, Array.from({ length: 2000 }, (_, i) => (i > 1000 && i < 1040 ? '0' : wave(i))).join('\n'));
    const found = await detect(odd, '--model', join(folder, 'model.onnx'));
    const { anomalies } = JSON.parse(found.stdout) as Report;
    expect(anomalies).to.have.length(1);
    expect(anomalies[0].peak).to.be.within(990, 1050);
  });

  const mistakes: [name: string, args: string[], text: RegExp][] = [
    ['no CSV', ['--output', 'x'], /^Expected one CSV\. See --help\.\n$/],
    ['no folder for the model', ['a.csv'], /^--output: expected a folder\. See --help\.\n$/],
    ['a CSV that is not there', ['a.csv', '--output', 'x'], /^INPUT_UNAVAILABLE: a.csv cannot be read: no such file/],
    [
      'an output that leads through a file',
      ['a.csv', '--output', 'README.md/x/y'],
      /^INVALID_PARAMETER: --output: .*no folder/,
    ],
    ['a seed that is none', ['a.csv', '--output', 'x', '--seed', '-1x'], /--seed/],
    ['a percentile out of range', ['a.csv', '--output', 'x', '--percentile', '-1'], /percentile/],
  ];
  for (const [name, args, text] of mistakes) {
    it(`answers ${name} on standard error with exit code 2`, async () => {
      const { code, stderr } = await train(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(text);
    });
  }

  const wrongParams: [name: string, change: (params: Params) => unknown, text: RegExp][] = [
    [
      'a word for a number',
      (all) => ({ ...all, train: { ...all.train, epochs: 'x' } }),
      / {2}train\.epochs: expected number, got "x"/,
    ],
    [
      'an entry too few',
      ({ train, ...rest }) => ({ ...rest, seed: train.seed }),
      / {2}train: expected object, got nothing\n {2}the whole: Unrecognized key: "seed"/,
    ],
    [
      'no number for a count',
      (all) => ({ ...all, train: { ...all.train, prototypes: 0 } }),
      / {2}train\.prototypes: .*>0, got "0"/,
    ],
    ['no YAML', () => '{', /is no file of parameters:\n/],
  ];
  for (const [name, change, text] of wrongParams) {
    it(`names the entry of a file of parameters that is wrong: ${name}`, async () => {
      const params = join(folder, 'wrong.yaml');
      const content = change(quickParams());
      writeFileSync(params, typeof content === 'string' ? content : stringify(content));
      const { code, stderr } = await train('a.csv', '--output', folder, '--params', params);
      expect(code).to.equal(2);
      expect(stderr)
        .to.match(/^INVALID_PARAMETER: .*wrong\.yaml is no file/)
        .and.match(text);
      expect(stderr).to.not.include('    at ');
    });
  }

  it('says where the training data are wrong', async () => {
    const data = join(folder, 'bad.csv');
    writeFileSync(data, 'value\n1\noops\n');
    const { code, stderr } = await train(data, '--output', folder);
    expect(code).to.equal(2);
    expect(stderr).to.include('NOT_A_NUMBER: Row 3, column value');
  });
});
