import { createCanvas, loadImage } from '@napi-rs/canvas';
import { expect } from 'chai';
import { detect } from '../../src/detection/detect.js';
import { plotDetection } from '../../src/detection/plot.js';
import { meanModel } from '../support/models.js';

/** How many pixels of a PNG are reddish, as the shade of flagged intervals is, and its size. */
async function look(png: Buffer) {
  const image = await loadImage(png);
  const context = createCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  let shaded = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = data.subarray(i, i + 3);
    if (red > 230 && green < 225 && green > 180 && Math.abs(green - blue) < 12) shaded += 1;
  }
  return { shaded, height: image.height };
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

  it('adds a detail around the largest anomaly where the series is long', async () => {
    const { height: short } = await look(await plot(60, 30));
    const { height: long } = await look(await plot(600, 300));
    expect(long).to.equal(2 * short);
  });
});
