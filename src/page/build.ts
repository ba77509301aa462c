import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import Papa from 'papaparse';

const sources = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../generated/page/', import.meta.url));
const sample = fileURLToPath(new URL('../../model_creation/data/test.csv', import.meta.url));

const shared = {
  ...{ bundle: true, format: 'esm', target: 'es2023', minify: true, metafile: true, outdir: target },
  // A file with another content has another name, and so browsers may keep it for good.
  ...{ entryNames: 'assets/[name]-[hash]', assetNames: 'assets/[name]-[hash]', loader: { '.svg': 'copy' } },
  // uPlot's own sources have no types of modules; papaparse takes other ways in Node.
  ...{ platform: 'browser', sourcemap: true, logLevel: 'warning', absWorkingDir: sources },
} as const satisfies BuildOptions;

/** Bundles the page into `src/generated/page/`. */
async function buildPage(): Promise<void> {
  await rm(target, { recursive: true, force: true });
  const [worker] = await bundle(['worker.ts']);
  const [sampleColumns] = Papa.parse<string[]>(await readFile(sample, 'utf8'), { preview: 1 }).data;
  const define = {
    WORKER_FILE: JSON.stringify(`./${basename(worker.file)}`),
    SAMPLE_COLUMNS: JSON.stringify(sampleColumns),
  };
  const assets = await bundle(['main.ts', 'page.css', 'icon.svg'], define);
  let html = await readFile(join(sources, 'index.html'), 'utf8');
  for (const { source, file } of assets) html = html.replaceAll(`"${source}"`, `"${file}"`);
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'index.html'), html);
  await copyFile(sample, join(target, 'sample.csv'));
}

/** Bundles what the entries need; tells for each the file that came of it. */
async function bundle(entryPoints: string[], define = {}): Promise<{ source: string; file: string }[]> {
  const { metafile } = await build({ ...shared, entryPoints, define });
  const outputs = Object.entries(metafile.outputs).map(([path, { entryPoint, inputs }]) => ({
    source: basename(entryPoint ?? Object.keys(inputs)[0] ?? ''),
    file: `assets/${basename(path)}`,
  }));
  return entryPoints.map((source) => {
    const found = outputs.find((output) => output.source === source && !output.file.endsWith('.map'));
    if (!found) throw new Error(`Nothing came of ${source}.`);
    return found;
  });
}

await buildPage();
