import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, quote } from '../errors.js';
import type { ModelMetadata } from './metadata.js';
import { type ModelFile, readModelFile } from './model-file.js';

const FILE_NAME = 'model.onnx';
// Both become parts of addresses and of labels.
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
const VERSION = /^\d{1,9}(\.\d{1,9}){0,3}$/;

/**
 * Reads the models of a folder, which lie in it as `<name>/<version>/model.onnx`, as in the repositories
 * of Triton and KServe; or the one model of a file, whose name and version are those that it was made with.
 *
 * @returns at least one model; by name, and of each name the newest version first
 * @throws AppError INVALID_MODEL where there is none, or one of them cannot be used
 */
export async function readModels(path: string): Promise<ModelFile[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? readFolder(path) : [await readModelFile(path)];
}

/** How a caller names a model among others. */
export function addressOf({ name, version }: Pick<ModelMetadata, 'name' | 'version'>): string {
  return `${name}/${version}`;
}

/**
 * The model that a caller means by `name` or `name/version`; a name alone means its newest version.
 *
 * @param models as {@link readModels} gives them
 * @param reference without one it is the first of the models
 * @throws AppError UNKNOWN_MODEL where there is none such
 */
export function chooseModel(models: readonly ModelFile[], reference?: string): ModelFile {
  const isMeant = ({ metadata }: ModelFile) => [undefined, metadata.name, addressOf(metadata)].includes(reference);
  const chosen = models.find(isMeant);
  if (chosen) return chosen;
  const expected = models.map(({ metadata }) => addressOf(metadata)).join(', ');
  const received = quote(reference ?? '');
  throw new AppError('UNKNOWN_MODEL', `There is no model ${received}: expected one of ${expected}.`, {
    expected,
    received,
  });
}

async function readFolder(path: string): Promise<ModelFile[]> {
  const places: { name: string; version: string }[] = [];
  for (const name of await foldersIn(path)) {
    for (const version of await foldersIn(join(path, name))) {
      const files = await entriesOf(join(path, name, version));
      if (files.includes(FILE_NAME)) places.push({ name, version });
    }
  }
  if (places.length === 0) {
    const expected = `<name>/<version>/${FILE_NAME}`;
    throw new AppError('INVALID_MODEL', `There is no model in the folder ${path}: expected ${expected} in it.`, {
      expected,
    });
  }
  places.sort((a, b) => compareTexts(a.name, b.name) || compareVersions(b.version, a.version));
  return Promise.all(places.map(({ name, version }) => readPlaced(path, name, version)));
}

async function readPlaced(folder: string, name: string, version: string): Promise<ModelFile> {
  const path = join(folder, name, version, FILE_NAME);
  if (!NAME.test(name) || !VERSION.test(version)) {
    const expected = 'a name of letters, digits, "_", "." and "-", and a version such as 2 or 1.4.0';
    throw new AppError('INVALID_MODEL', `Model file ${path}: expected ${expected} as its folders.`, { expected });
  }
  const file = await readModelFile(path);
  // Where it lies is what it is called: a copy of a model is another version.
  return { ...file, metadata: { ...file.metadata, name, version } };
}

/** Folders, and links to some; what a dot hides is not meant to be served. */
async function foldersIn(path: string): Promise<string[]> {
  const entries = (await entriesOf(path)).filter((entry) => !entry.startsWith('.'));
  const areFolders = await Promise.all(entries.map((entry) => isFolderAt(join(path, entry))));
  return entries.filter((_, i) => areFolders[i]);
}

/** Whether there is a folder: not where it has just gone. */
async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const isGone = await lstat(path).then(
      () => false,
      (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
    );
    if (isGone) return false;
    return passOver(path, cause, false);
  }
}

/** What lies in a folder: nothing where it has just gone. */
async function entriesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return passOver(path, cause, []);
  }
}

/**
 * What cannot be read counts as nothing where it is not meant for models, as `lost+found`: a model must not
 * vanish because it cannot be seen.
 */
function passOver<T>(path: string, cause: unknown, nothing: T): T {
  if (!NAME.test(basename(path))) return nothing;
  const { code = '' } = cause as NodeJS.ErrnoException;
  throw new AppError('INVALID_MODEL', `The folder ${path} cannot be read: ${code}.`, {}, { cause });
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** By number after number: 1.10 is newer than 1.9. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const place = left.findIndex((number, i) => number !== (right[i] ?? 0));
  return place < 0 ? left.length - right.length : left[place] - (right[place] ?? 0);
}
