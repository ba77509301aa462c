import { createCanvas, loadImage, type SKRSContext2D } from '@napi-rs/canvas';
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

/** What is written in a plot, where, and how wide. */
async function writtenBy(draw: () => Promise<Buffer>) {
  const prototype = Object.getPrototypeOf(createCanvas(1, 1).getContext('2d')) as SKRSContext2D;
  const own = Object.getOwnPropertyDescriptor(prototype, 'fillText') as { value: SKRSContext2D['fillText'] };
  const written: { text: string; left: number; right: number }[] = [];
  prototype.fillText = function (text, x, y, maxWidth) {
    const width = this.measureText(text).width;
    const { a: scale, e: shift } = this.getTransform();
    const share = { center: 0.5, right: 1 }[this.textAlign as string] ?? 0;
    const left = x + shift / scale - share * width;
    written.push({ text, left, right: left + width });
    own.value.call(this, text, x, y, maxWidth);
  };
  try {
    await draw();
  } finally {
    Object.defineProperty(prototype, 'fillText', own);
  }
  return written;
}

/** Plots rows of a CSV that have as many values as there are columns. */
async function writtenIn(rows: string[], columns = 1): Promise<string[]> {
  const header = ['time', ...(columns === 1 ? ['value'] : Array.from({ length: columns }, (_, j) => `c${j}`))].join();
  const model = await meanModel(Array.from({ length: columns }, () => ({ mean: 0, scale: 1 })));
  const detection = await detect(Buffer.from([header, ...rows].join('\n')), model);
  return (await writtenBy(() => plotDetection(detection))).map(({ text }) => text);
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

  it('writes round times beneath, and the date where the day changes', async () => {
    const at = (i: number) => Date.UTC(2024, 0, 31, 22, 47, 13) + i * 240_000;
    const rows = Array.from({ length: 60 }, (_, i) => `${new Date(at(i)).toISOString()},${i % 3}`);
    const written = await writtenIn(rows);
    expect(written).to.include.members(['23:00', '23:30', '31 Jan 2024', '00:00', '1 Feb 2024', '02:30', 'time']);
    expect(written.filter((text) => text.includes('T'))).to.deep.equal([]);
    const epochs = Array.from({ length: 60 }, (_, i) => `${i === 30 ? '' : at(i) / 1000},${i % 3}`);
    expect(await writtenIn(epochs), 'epochs, of which one is missing').to.deep.equal(written);
  });

  it('has no time overhang its axis', async () => {
    const rows = Array.from({ length: 61 }, (_, i) => `2024-01-31T10:${String(i % 60).padStart(2, '0')}:00Z,${i % 3}`);
    const detection = await detect(Buffer.from(rows.slice(0, 60).join('\n')), await meanModel([{ mean: 0, scale: 1 }]));
    const written = await writtenBy(() => plotDetection(detection));
    const times = written.filter(({ text }) => /^\d\d:\d\d$/.test(text));
    expect(times.length).to.be.above(4);
    const axisStarts = written.find(({ text }) => text === '0.01')?.right ?? Infinity;
    for (const { left, right } of times) expect([left > axisStarts, right < 1180]).to.deep.equal([true, true]);
  });

  it('counts points where the timestamps cannot be read', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `1/${i + 1}/2024,${i % 3}`);
    expect(await writtenIn(rows)).to.include.members(['10', '20', '50', 'point']);
  });

  it('names the one column that it shows, and each of several at its panel', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `2024-01-31T10:00:${i % 60},${i % 3},${i % 5}`);
    const several = await writtenIn(rows, 2);
    expect(several).to.include.members(['values', 'c0', 'c1']).and.not.include('value');
  });

  it('has a mark above 1 at the score, whatever the largest, and few digits at small values', async () => {
    const rows = (spike: number) => Array.from({ length: 60 }, (_, i) => `${i},${i === 30 ? spike : (i % 3) * 5e-6}`);
    expect(await writtenIn(rows(0))).to.include.members(['0.01', '0.1', '1', '10', '5E-6']);
    expect(await writtenIn(rows(100))).to.include.members(['0.01', '0.1', '1', '10', '100']);
  });
});
