import { readJson, writeFile } from '../files.js';
import type { Part, Prepared } from '../prepare.js';

/** Where the stages find what the others leave; `dvc.yaml` names the same paths. */
export const paths = {
  params: 'params.yaml',
  trainData: 'model_creation/data/train.csv',
  testData: 'model_creation/data/test.csv',
  prepared: 'model_creation/output/prepared.json',
  network: 'model_creation/output/network.json',
  weights: 'model_creation/output/weights.bin',
  epochs: 'model_creation/output/epochs.json',
  lossPlot: 'model/loss.png',
  model: 'model/model.onnx',
  metrics: 'model/metrics.json',
  evaluationPlot: 'model/evaluation.png',
} as const;

/** Writes a prepared series. */
export function writePrepared(path: string, prepared: Prepared): void {
  const parts = Object.entries(prepared.parts).map(([part, values]): [string, number[]] => [part, Array.from(values)]);
  writeFile(path, JSON.stringify({ ...prepared, parts: Object.fromEntries(parts) }));
}

/** Reads what {@link writePrepared} wrote. */
export function readPrepared(path: string): Prepared {
  const { parts, ...rest } = readJson<Omit<Prepared, 'parts'> & { parts: Record<Part, number[]> }>(path);
  return {
    ...rest,
    parts: {
      fit: Float64Array.from(parts.fit),
      validation: Float64Array.from(parts.validation),
      calibration: Float64Array.from(parts.calibration),
    },
  };
}
