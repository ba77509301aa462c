import { readFileSync } from 'node:fs';
import { io } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { readJson, writeFile, writeJson } from '../files.js';
import { useWasm } from '../tensorflow.js';
import { paths } from './artifacts.js';

/** Writes a network in the form of TensorFlow.js: its layers as JSON, its weights as bytes. */
export async function writeNetwork(network: LayersModel): Promise<void> {
  await network.save(
    io.withSaveHandler(({ modelTopology, weightSpecs, weightData }) => {
      writeJson(paths.network, { modelTopology, weightSpecs });
      writeFile(paths.weights, new Uint8Array(weightData as ArrayBuffer));
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
}

/** Reads what {@link writeNetwork} wrote. */
export async function readNetwork(): Promise<LayersModel> {
  await useWasm();
  const artifacts = readJson<io.ModelArtifacts>(paths.network);
  const weightData = new Uint8Array(readFileSync(paths.weights)).buffer;
  return loadLayersModel(io.fromMemory({ ...artifacts, weightData }));
}
