import type { ReportFormat } from '../detection/report.js';

/** What is asked of `/compute` besides the CSV: the same by the page, by its worker and by the curl command. */
export interface ComputeRequest {
  /** The form's fields, which stand before the CSV. */
  fields: Record<string, string>;
  headers: Record<string, string>;
}

/** The field of the form with the CSV. */
export const CSV_FIELD = 'text';

// JSON is what comes without a word.
const accepted: Record<ReportFormat, string | undefined> = { json: undefined, csv: 'text/csv', png: 'image/png' };

/** What is asked for a report in a form, by the options as fields. */
export function computeRequest(options: Record<string, string>, format: ReportFormat): ComputeRequest {
  const type = accepted[format];
  return {
    // What each point has to say is in the scored CSV.
    fields: format === 'json' ? { ...options, points: 'false' } : options,
    headers: type === undefined ? {} : { Accept: type },
  };
}

/** The form that is sent. */
export function computeForm({ fields }: ComputeRequest, file: File): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append(CSV_FIELD, file, file.name);
  return form;
}
