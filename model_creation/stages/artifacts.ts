import { readFileSync } from 'node:fs';
import type { Fitted, FittedHead } from '../autoencoder.js';
import { readJson, writeFile } from '../files.js';
import type { Prepared } from '../prepare.js';

/** Where the stages find what the others leave; `dvc.yaml` names the same paths. */
export const paths = {
  params: 'params.yaml',
  trainData: 'model_creation/data/train.csv',
  testData: 'model_creation/data/test.csv',
  prepared: 'model_creation/output/prepared.json',
  heads: 'model_creation/output/heads.json',
  prototypes: 'model_creation/output/prototypes.bin',
  epochs: 'model_creation/output/epochs.json',
  lossPlot: 'model/loss.png',
  model: 'model/ecg/1/model.onnx',
  metrics: 'model/metrics.json',
  evaluationPlot: 'model/evaluation.png',
} as const;

/** Writes a prepared series. */
export function writePrepared(prepared: Prepared): void {
  const blocks = prepared.blocks.map((block) => Array.from(block));
  writeFile(paths.prepared, JSON.stringify({ ...prepared, blocks }));
}

/** Reads what {@link writePrepared} wrote. */
export function readPrepared(): Prepared {
  const { blocks, ...rest } = readJson<Omit<Prepared, 'blocks'> & { blocks: number[][] }>(paths.prepared);
  return { ...rest, blocks: blocks.map((block) => Float64Array.from(block)) };
}

/** A head without its prototypes, which lie one after the other in a file of their own. */
type HeadEntry = Omit<FittedHead, 'prototypes'> & { values: number };

/** Writes fitted heads. */
export function writeFitted({ whole, without }: Fitted): void {
  const fits = [whole, ...without];
  const entries = fits.map((heads) =>
    heads.map(({ prototypes, ...head }): HeadEntry => ({ ...head, values: prototypes.length })),
  );
  writeFile(paths.heads, JSON.stringify(entries, null, 2));
  const bytes = fits.flat().map(({ prototypes }) => Buffer.from(prototypes.buffer));
  writeFile(paths.prototypes, Buffer.concat(bytes));
}

/** Reads what {@link writeFitted} wrote. */
export function readFitted(): Fitted {
  const { buffer } = new Uint8Array(readFileSync(paths.prototypes));
  let offset = 0;
  const fits = readJson<HeadEntry[][]>(paths.heads).map((heads) =>
    heads.map(({ values, ...head }): FittedHead => {
      const prototypes = new Float32Array(buffer, offset, values);
      offset += prototypes.byteLength;
      return { ...head, prototypes };
    }),
  );
  return { whole: fits[0], without: fits.slice(1) };
}
