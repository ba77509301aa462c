import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { evaluate } from '../../model_creation/evaluate.js';
import { plotLoss } from '../../model_creation/loss-plot.js';
import { readParams } from '../../model_creation/params.js';
import { paths } from '../../model_creation/stages/artifacts.js';
import { detect } from '../../src/detection/detect.js';
import { sha256Of } from '../../src/hash.js';
import { Model } from '../../src/inference/model.js';
import { readModelFile } from '../../src/inference/model-file.js';

interface Stage {
  deps: string[];
  outs?: (string | Record<string, object>)[];
}

const { stages } = parse(readFileSync('dvc.yaml', 'utf8')) as { stages: Record<string, Stage> };
const metrics = JSON.parse(readFileSync(paths.metrics, 'utf8')) as { evaluation: object; training: object };

describe('the pipeline', () => {
  for (const [name, { deps }] of Object.entries(stages)) {
    it(`names all code that ${name} runs, and no other`, async () => {
      const { metafile } = await build({
        entryPoints: [`model_creation/stages/${name}.ts`],
        bundle: true,
        metafile: true,
        write: false,
        packages: 'external',
        platform: 'node',
        format: 'esm',
      });
      const code = deps.filter((path) => path.endsWith('.ts'));
      expect(code).to.have.members(Object.keys(metafile.inputs));
    });
  }

  it('has made the committed model from the committed data', async () => {
    const { provenance, metrics: training } = (await Model.create(await readModelFile(paths.model))).metadata;
    expect(provenance.dataSha256).to.equal(sha256Of(readFileSync(paths.trainData)));
    expect(metrics.training).to.deep.equal(training);
  });

  it('has measured the committed metrics on the committed model', async () => {
    const detection = await detect(readFileSync(paths.testData), await Model.create(await readModelFile(paths.model)));
    expect(evaluate(detection, readParams(paths.params).evaluate)).to.deep.equal(metrics.evaluation);
    expect(metrics.evaluation).to.include({ ucrAccuracy: 1, anomalyFlagged: 1 });
  });

  it('draws the course of a fit as PNG', async () => {
    const epochs = Array.from({ length: 5 }, (_, i) => ({
      epoch: i + 1,
      loss: 1 / (i + 1),
      validationLoss: 1.1 / (i + 1),
    }));
    expect((await plotLoss(epochs)).subarray(1, 4).toString()).to.equal('PNG');
  });
});

describe('params.yaml', () => {
  it('is checked, and what is wrong is named', () => {
    expect(() => readParams('package.json')).to.throw(/package.json is no file of parameters:\n[^]*train/);
  });
});
