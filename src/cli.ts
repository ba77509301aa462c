import { type FileHandle, open, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolveFromCaller, runCommand, usageError } from './command.js';
import { readConfig } from './config.js';
import { detectOptions, optionNames, parseOptions } from './detection/options.js';
import type { ReportFormat } from './detection/report.js';
import { ReportFile } from './report-file.js';
import type { InputBytes, DetectRequest } from './workers/detect-worker.js';
import { Detector } from './workers/detector.js';

const MODEL_FILE = /\.onnx$/i;
const { modelPath: folder } = readConfig({});

const optionLines = Object.entries(detectOptions)
  .map(([name, { expected, meaning }]) => `  --${name}  ${expected}\n      ${meaning}`)
  .join('\n');

const USAGE = `Usage: npm run --silent detect -- DATA.csv [options]

Finds the anomalies of a CSV and writes the verdict to standard output.

${optionLines}
  --model FILE.onnx  a model file, in place of those in ${folder}/
  --format FORMAT   json, csv or png (json)
  --output FILE     write to a file instead of standard output
  --help            this text
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
    const [modelPath, options] =
      model !== undefined && MODEL_FILE.test(model) ? [resolveFromCaller(model), rest] : [folder, { ...rest, model }];
    parseOptions(options);
    const file = await open(resolveFromCaller(data));
    try {
      if (output && (await isSameFile(file, resolveFromCaller(output))))
        throw usageError('--output: expected another file than the CSV.');
      const report = new ReportFile(output && resolveFromCaller(output));
      await detectFile(file, modelPath, { options, formats: [format] }, report);
    } finally {
      await file.close();
    }
  },
});

async function detectFile(
  file: FileHandle,
  modelPath: string,
  request: Omit<DetectRequest, 'csv'>,
  report: ReportFile,
): Promise<void> {
  const detector = await Detector.create({ modelPath, workers: availableParallelism() });
  try {
    const { length, anomalousPoints, intervals, warnings } = await detector.detect(
      { ...request, csv: await csvIn(file) },
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
