/** How the service introduces itself to Engines of either generation. */
export const serviceDescription = {
  /** The Engines' route to the service. */
  slug: 'ae-anomaly-detection',
  name: 'Autoencoder Anomaly Detection',
  summary: 'Finds where a time series goes wrong.',
  description:
    'Finds the anomalies of a time series: computes with an autoencoder how badly each point of a CSV can be ' +
    'reconstructed and flags those above a percentile of the errors seen on normal data. Answers a plot, the ' +
    'verdict with the flagged intervals as JSON, and the CSV with error, score and flag of each point.',
  tags: [
    { name: 'Anomaly Detection', acronym: 'AD' },
    { name: 'Time Series', acronym: 'TS' },
  ],
  /** The one input. */
  input: { name: 'text', types: ['text/csv', 'text/plain'] },
  /** The outputs, in the order in which Engine B gets them. */
  outputs: [
    { name: 'result', format: 'png', type: 'image/png', extension: '.png' },
    { name: 'verdict', format: 'json', type: 'application/json', extension: '.json' },
    { name: 'scores', format: 'csv', type: 'text/csv', extension: '.csv' },
  ],
} as const;
