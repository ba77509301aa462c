import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resolveFromCaller, runCommand, usageError } from './command.js';
import { readConfig, settings } from './config.js';
import { detect } from './detection/detect.js';
import { detectOptions, optionNames, parseOptions } from './detection/options.js';
import { type ReportFormat, writeReport } from './detection/report.js';
import { Model } from './inference/model.js';

const optionLines = Object.entries(detectOptions)
  .map(([name, { expected, meaning }]) => `  --${name}  ${expected}\n      ${meaning}`)
  .join('\n');

const USAGE = `Usage: npm run --silent detect -- DATA.csv [options]

Finds the anomalies of a CSV and writes the verdict to standard output.

  --model FILE      the model (${settings.MODEL_PATH.default})
${optionLines}
  --format FORMAT   json, csv or png (json)
  --output FILE     write to a file instead of standard output
  --help            this text
`;

await runCommand(USAGE, {
  options: {
    model: { type: 'string' },
    ...(Object.fromEntries(optionNames.map((name) => [name, { type: 'string' }])) as Record<
      keyof typeof detectOptions,
      { type: 'string' }
    >),
    format: { type: 'string', default: 'json' },
    output: { type: 'string' },
  },
  run: async ([data, ...others], { model: modelPath, format, output, ...options }) => {
    if (data === undefined || others.length > 0) throw usageError('Expected one CSV.');
    if (!isFormat(format)) throw usageError(`--format: expected json, csv or png, got "${format}".`);
    const { points, ...verdictOptions } = parseOptions(options);
    const model = await Model.load(modelPath ? resolveFromCaller(modelPath) : readConfig({}).modelPath);
    const detection = await detect(await readFile(resolveFromCaller(data)), model, verdictOptions, {
      onProgress: reportProgress(),
    });
    const destination = output ? createWriteStream(resolveFromCaller(output)) : process.stdout;
    await pipeline(Readable.from(writeReport(detection, format, points)), destination);
    const { anomalousPoints, anomalies, warnings } = detection.verdict;
    process.stderr.write(
      `${detection.series.length} points, ${anomalousPoints} anomalous, in ${anomalies.length} intervals\n`,
    );
    for (const { message } of warnings) process.stderr.write(`warning: ${message}\n`);
  },
});

function isFormat(text: string | undefined): text is ReportFormat {
  return text === 'json' || text === 'csv' || text === 'png';
}

/** Says every now and then how far a long series is, and nothing of a short one. */
function reportProgress(): (share: number) => void {
  const everyMilliseconds = 1000;
  let last = performance.now();
  return (share) => {
    if (performance.now() - last < everyMilliseconds) return;
    last = performance.now();
    process.stderr.write(`${Math.floor(share * 100)} % scored\n`);
  };
}
