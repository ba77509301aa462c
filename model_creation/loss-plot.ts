import { colours, drawChart, stackAsPng } from '../src/detection/chart.js';
import type { Epoch } from './autoencoder.js';

/**
 * Draws the loss over the epochs.
 *
 * @returns a PNG
 */
export async function plotLoss(epochs: Epoch[]): Promise<Buffer> {
  const line = (label: string, colour: string, value: (epoch: Epoch) => number) => ({
    label,
    data: epochs.map(value),
    borderColor: colour,
    backgroundColor: colour,
    borderWidth: 2,
    pointRadius: 0,
  });
  const chart = await drawChart(
    {
      type: 'line',
      data: {
        labels: epochs.map(({ epoch }) => epoch),
        datasets: [
          line('loss', colours.series, ({ loss }) => loss),
          line('validation loss', colours.expected, ({ validationLoss }) => validationLoss),
        ],
      },
      options: {
        layout: { padding: 12 },
        plugins: {
          legend: { labels: { boxHeight: 1, boxWidth: 24 } },
          title: { display: true, text: 'Mean squared error of the windows, in scaled units' },
        },
        scales: {
          x: { title: { display: true, text: 'epoch' } },
          y: { type: 'logarithmic', title: { display: true, text: 'loss' } },
        },
      },
    },
    800,
    450,
  );
  return stackAsPng([chart]);
}
