/**
 * How well anomalies are found: trains and scores every series of `bench/data` through the command
 * line, then has `bench/detection.py` do the same with the peers and print one table. Arguments name
 * series to take instead of all.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { measure, nabSeries, trainAndDetect, ucrSeries } from './series.js';

const OUTPUT = 'bench/output/detection';

const only = process.argv.slice(2);
rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT, { recursive: true });
const all = [...ucrSeries(), ...nabSeries(OUTPUT)];
const chosen = only.length > 0 ? all.filter(({ name }) => only.some((part) => name.includes(part))) : all;
await trainAndDetect(chosen, OUTPUT);
await measure(chosen, OUTPUT);
