import { createCanvas, loadImage } from '@napi-rs/canvas';
import { expect } from 'chai';
import { detect } from '../../src/detection/detect.js';
import { colours } from '../../src/detection/chart.js';
import { plotDetection } from '../../src/detection/plot.js';
import { meanModel } from '../support/models.js';

// Title and legend, in pixels.
const LEGEND_END = 120;

/** The topmost rows of a PNG's pixels, or all of them. */
async function pixelsOf(png: Buffer, rows?: number) {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  return { data: context.getImageData(0, 0, image.width, rows ?? image.height).data, height: image.height };
}

/** How many pixels of a PNG are reddish, as the shade of flagged intervals is, and its height. */
async function look(png: Buffer) {
  const { data, height } = await pixelsOf(png);
  let shaded = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = data.subarray(i, i + 3);
    if (red > 230 && green < 225 && green > 180 && Math.abs(green - blue) < 12) shaded += 1;
  }
  return { shaded, height };
}

async function plot(points: number, spike?: number): Promise<Buffer> {
  const rows = Array.from({ length: points }, (_, i) => (i === spike ? 50 : (i % 3) / 10));
  return plotDetection(await detect(Buffer.from(rows.join('\n')), await meanModel([{ mean: 0, scale: 1 }])));
}

describe('the plot', () => {
  it('shades flagged intervals, and nothing where none is flagged', async () => {
    // The softened edges of the threshold's red line count as well, but are few.
    expect((await look(await plot(60))).shaded).to.be.below(3000);
    expect((await look(await plot(60, 30))).shaded).to.be.above(10_000);
  });

  it('explains its colours above the panels', async () => {
    const { data } = await pixelsOf(await plot(60), LEGEND_END);
    const seen = new Set<string>();
    for (let i = 0; i < data.length; i += 4) seen.add(`#${Buffer.from(data.subarray(i, i + 3)).toString('hex')}`);
    const { series, expected, score, anomaly } = colours;
    expect([...seen]).to.include.members([series, expected, score, anomaly]);
  });

  it('adds a detail around the largest anomaly where the series is long', async () => {
    const { height: short } = await look(await plot(60, 30));
    const { height: long } = await look(await plot(600, 300));
    expect(long).to.equal(2 * short);
  });
});
