import type { ReportFormat } from '../detection/report.js';

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

const accept = { json: undefined, csv: 'text/csv', png: 'image/png' };

/** The curl command that gives what is on screen, for a POSIX shell. */
export function curlCommand({ url, file, source, fields, format }: Command): string {
  const download = source === undefined ? [] : [`curl -s ${quoteForShell(source)} |`];
  const csv = source === undefined ? `text=@${quoteForCurl(file)}` : `text=@-;filename=${quoteForCurl(file)}`;
  const options = Object.entries(fields).map(([name, value]) => `-F ${name}=${value}`);
  const type = accept[format];
  const points = format === 'json' ? ['-F points=false'] : [];
  const header = type === undefined ? [] : [`-H 'Accept: ${type}'`];
  const output = format === 'png' ? ['-o plot.png'] : [];
  const parts = [`curl -F ${quoteForShell(csv)}`, ...options, ...points, ...header, ...output, quoteForShell(url)];
  return [...download, parts.join(' ')].join(' ');
}

/** curl parts a file's name from what follows it by a semicolon or a comma, unless it is quoted. */
function quoteForCurl(name: string): string {
  return /[",;\\]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}

function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
