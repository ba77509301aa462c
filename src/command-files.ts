import { constants } from 'node:fs';
import { access, type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AppError } from './errors.js';

const SCRIPTS = ['detect', 'train'];

/** Resolves a path against the folder that the caller stands in: npm runs scripts in the package's own. */
export function resolveFromCaller(path: string): string {
  const { npm_lifecycle_event: script = '', INIT_CWD: caller } = process.env;
  return resolve(caller && SCRIPTS.includes(script) ? caller : process.cwd(), path);
}

/**
 * Opens a file that the caller names.
 *
 * @throws AppError INPUT_UNAVAILABLE where it cannot be read
 */
export async function openInput(path: string): Promise<FileHandle> {
  const file = await open(resolveFromCaller(path)).catch((cause: unknown) => {
    throw unreadable(path, reasonOf(cause));
  });
  if (!(await file.stat()).isDirectory()) return file;
  await file.close();
  throw unreadable(path, 'it is a folder');
}

/** Reads a file that the caller names, see {@link openInput}. */
export async function readInput(path: string): Promise<Buffer> {
  const file = await openInput(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Sees beforehand that a file can be written.
 *
 * @param path as {@link resolveFromCaller} gives it
 * @param makesFolders whether folders that there are not will be made
 * @throws AppError INVALID_PARAMETER where it cannot
 */
export async function checkOutput(path: string, makesFolders = false): Promise<void> {
  try {
    const there = await statOf(path);
    if (there?.isDirectory()) throw new Error('it is a folder');
    const folder = makesFolders ? await nearestFolder(path) : dirname(path);
    if (!there && !(await statOf(folder))?.isDirectory()) throw new Error(`there is no folder ${folder}`);
    await access(there ? path : folder, constants.W_OK);
  } catch (cause) {
    throw new AppError('INVALID_PARAMETER', `--output: ${path} cannot be written: ${reasonOf(cause)}.`, {
      received: path,
    });
  }
}

/** What lies nearest above a path that does not lead anywhere yet. */
async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path);
  return above === path || (await statOf(above)) ? above : nearestFolder(above);
}

function statOf(path: string) {
  return stat(path).catch(() => undefined);
}

function unreadable(path: string, reason: string): AppError {
  return new AppError('INPUT_UNAVAILABLE', `${path} cannot be read: ${reason}.`, { received: path });
}

/** What Node says of a file, without the call that it was about. */
function reasonOf(cause: unknown): string {
  return (cause as Error).message.replace(/^E[A-Z]+: |, \w+ '.*'$/g, '');
}
