import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AppError } from './errors.js';

/** A command: its options as in `util.parseArgs`, all of them texts, and what it does. */
interface Command<Name extends string> {
  options: Record<Name, { type: 'string'; default?: string }>;
  run: (positionals: string[], values: Partial<Record<Name, string>>) => Promise<void>;
}

/** The caller used the command wrongly. */
class UsageError extends Error {}

/** An error that leads to the usage; the message is a sentence. */
export function usageError(message: string): Error {
  return new UsageError(message);
}

/**
 * Runs a command with the process's arguments. Wrong usage and wrong input end it with a text on
 * standard error and exit code 2, what is not foreseen with exit code 1. A reader that stops reading
 * standard output (as `head` does) is no error.
 */
export async function runCommand<Name extends string>(usage: string, command: Command<Name>): Promise<void> {
  try {
    const { values, positionals } = parse(command.options);
    if (values.help) process.stdout.write(usage);
    else await command.run(positionals, values);
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
}

function parse<Name extends string>(options: Command<Name>['options']) {
  try {
    const config = { options: { ...options, help: { type: 'boolean' } }, allowPositionals: true };
    const { values, positionals } = parseArgs(config as ParseArgsConfig);
    return { positionals, values: values as Partial<Record<Name, string>> & { help?: boolean } };
  } catch (cause) {
    // What comes after the first sentence is how to pass on what looks like an option.
    const [remark] = (cause as Error).message.split(/\.(?: |$)/);
    throw new UsageError(`${remark}.`);
  }
}

function reportFailure(error: unknown): number {
  if (isSystemError(error, 'EPIPE')) return 0;
  if (error instanceof UsageError) process.stderr.write(`${error.message} See --help.\n`);
  else if (error instanceof AppError) process.stderr.write(`${error.code}: ${error.message}\n`);
  else if (isSystemError(error)) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return error instanceof UsageError || error instanceof AppError || isSystemError(error) ? 2 : 1;
}

function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'syscall' in error &&
    (code === undefined || (error as NodeJS.ErrnoException).code === code)
  );
}
