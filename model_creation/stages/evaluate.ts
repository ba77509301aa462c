import { readFileSync } from 'node:fs';
import { detect } from '../../src/detection/detect.js';
import { plotDetection } from '../../src/detection/plot.js';
import { Model } from '../../src/inference/model.js';
import { evaluate, trivialBaselines } from '../evaluate.js';
import { writeFile, writeJson } from '../files.js';
import { readParams } from '../params.js';
import { say } from '../progress.js';
import { paths } from './artifacts.js';

const model = await Model.load(paths.model);
const detection = await detect(readFileSync(paths.testData), model);
const label = readParams(paths.params).evaluate;
const evaluation = evaluate(detection, label);
const baselines = trivialBaselines(detection.series, label);
writeJson(paths.metrics, { training: model.metadata.metrics, evaluation, baselines });
writeFile(paths.evaluationPlot, plotDetection(detection));
for (const [name, value] of Object.entries(evaluation)) say(`${name}: ${value}`);
for (const [name, value] of Object.entries(baselines)) say(`baseline ${name}, ucrAccuracy: ${value}`);
