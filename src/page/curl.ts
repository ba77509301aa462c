import type { ReportFormat } from '../detection/report.js';
import { CSV_FIELD, computeRequest } from './compute-request.js';

/** What the command is to ask for. */
export interface Command {
  /** The address of `/compute`. */
  url: string;
  /** The name of the CSV. */
  file: string;
  /** Where the CSV is to be had from, if it is not the reader's own. */
  source?: string;
  /** The options on screen, as the form's fields. */
  fields: Record<string, string>;
  format: ReportFormat;
}

/** The curl command that gives what is on screen, for a POSIX shell in the folder of the CSV. */
export function curlCommand({ url, file, source, fields, format }: Command): string {
  const asked = computeRequest(fields, format);
  const download = source === undefined ? [] : ['curl', '-s', source].map(quoteForShell).concat('|');
  const csv = source === undefined ? quoteForCurl(pathOf(file)) : `-;filename=${quoteForCurl(file)}`;
  const parts = [
    ...['curl', '-F', `${CSV_FIELD}=@${csv}`],
    ...Object.entries(asked.fields).flatMap(([name, value]) => ['-F', `${name}=${value}`]),
    ...Object.entries(asked.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(format === 'png' ? ['-o', 'plot.png'] : []),
    url,
  ];
  return [...download, ...parts.map(quoteForShell)].join(' ');
}

/** The path to a file of the folder at hand: a name that is a dash alone means the standard input. */
function pathOf(name: string): string {
  return name === '-' ? './-' : name;
}

/** Quotes a name of which curl would cut off something: white space around it, or what follows `;` or `,`. */
function quoteForCurl(name: string): string {
  return /[",;\\]|^\s|\s$/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}

function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
