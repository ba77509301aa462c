import { type FileHandle, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { config as loadDotenv } from 'dotenv';
import { runCommand, usageError } from './command.js';
import { checkOutput, openInput, resolveFromCaller } from './command-files.js';
import { readConfig } from './config.js';
import { detectOptions, optionNames, parseOptions } from './detection/options.js';
import type { ReportFormat } from './detection/report.js';
import { ReportFile } from './report-file.js';
import type { InputBytes, DetectRequest } from './workers/detect-worker.js';
import { Detector, type DetectorSettings } from './workers/detector.js';

const MODEL_FILE = /\.onnx$/i;
const STANDARD_INPUT = '-';

loadDotenv({ quiet: true });
const { MODEL_PATH, DEFAULT_MODEL } = process.env;
const { modelPath, defaultModel } = readConfig({ MODEL_PATH, DEFAULT_MODEL });

const optionLines = Object.entries(detectOptions)
  .map(([name, { expected, meaning }]) => `  --${name}  ${expected}\n      ${meaning}`)
  .join('\n');

const USAGE = `Usage: npm run --silent detect -- DATA.csv [options]

Finds the anomalies of a CSV (- is standard input) and writes the verdict to standard output. Models are
those of ${modelPath}, which MODEL_PATH names as it does for the server; --model FILE.onnx takes a file.

${optionLines}
  --format FORMAT   json, csv or png (json)
  --output FILE     write to a file instead of standard output
  --help            this text

Exits with 0 where the verdict is written, whatever it is, and with 2 where something is wrong.
`;

await runCommand(USAGE, {
  options: {
    ...(Object.fromEntries(optionNames.map((name) => [name, { type: 'string' }])) as Record<
      keyof typeof detectOptions,
      { type: 'string' }
    >),
    format: { type: 'string', default: 'json' },
    output: { type: 'string' },
  },
  run: async ([data, ...others], { model, format, output, ...rest }) => {
    if (data === undefined || others.length > 0) throw usageError('Expected one CSV.');
    if (!isFormat(format)) throw usageError(`--format: expected json, csv or png, got "${format}".`);
    const isFile = model !== undefined && MODEL_FILE.test(model);
    const models = isFile ? { modelPath: resolveFromCaller(model) } : { modelPath, defaultModel };
    const options = isFile ? rest : { ...rest, model };
    parseOptions(options);
    const target = output === undefined ? undefined : resolveFromCaller(output);
    await withCsv(data, target, (csv) =>
      detectCsv(models, { options, formats: [format], csv }, new ReportFile(target)),
    );
  },
});

/** Opens the CSV for as long as it is worked on, once it is known that its report can be written. */
async function withCsv(
  data: string,
  target: string | undefined,
  work: (csv: InputBytes) => Promise<void>,
): Promise<void> {
  if (target !== undefined) await checkOutput(target);
  if (data === STANDARD_INPUT) return work({ bytes: await buffer(process.stdin) });
  const file = await openInput(data);
  try {
    if (target !== undefined && (await isSameFile(file, target)))
      throw usageError('--output: expected another file than the CSV.');
    await work(await csvIn(file));
  } finally {
    await file.close();
  }
}

async function detectCsv(
  models: Omit<DetectorSettings, 'workers'>,
  request: DetectRequest,
  report: ReportFile,
): Promise<void> {
  const detector = await Detector.create({ ...models, workers: availableParallelism() });
  try {
    const { length, anomalousPoints, intervals, warnings } = await detector.detect(
      request,
      ({ bytes }) => report.write(bytes),
      { onProgress: reportProgress },
    );
    await report.end();
    process.stderr.write(`${length} points, ${anomalousPoints} anomalous, in ${intervals} intervals\n`);
    for (const message of warnings) process.stderr.write(`warning: ${message}\n`);
  } finally {
    await detector.close();
  }
}

/** The CSV is still read when the report is begun. */
async function isSameFile(file: FileHandle, path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  const own = await file.stat();
  return there?.ino === own.ino && there.dev === own.dev;
}

/** A file is read a piece at a time; what comes through a pipe comes only once, and is kept. */
async function csvIn(file: FileHandle): Promise<InputBytes> {
  return (await file.stat()).isFile() ? { descriptor: file.fd } : { bytes: await file.readFile() };
}

function isFormat(text: string | undefined): text is ReportFormat {
  return text === 'json' || text === 'csv' || text === 'png';
}

/** Says how far a long series is; a short one is done before the first time. */
function reportProgress(share: number): void {
  process.stderr.write(`${Math.floor(share * 100)} % scored\n`);
}
