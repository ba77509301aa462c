import type { Anomaly } from './interval.js';

// Beyond them a picture is no longer read at a glance.
const MOST_COLUMNS = 6;

/** The columns that have a panel, by their place: of many, those that the anomalies are blamed on. */
export function columnsToDraw(columns: readonly string[], anomalies: readonly Anomaly[]): number[] {
  const places = columns.map((_, j) => j);
  if (places.length <= MOST_COLUMNS) return places;
  const blame = new Map<string, number>();
  for (const { column, share } of anomalies.flatMap((anomaly) => anomaly.columns)) {
    blame.set(column, (blame.get(column) ?? 0) + share);
  }
  return places
    .sort((a, b) => (blame.get(columns[b]) ?? 0) - (blame.get(columns[a]) ?? 0))
    .slice(0, MOST_COLUMNS)
    .sort((a, b) => a - b);
}
