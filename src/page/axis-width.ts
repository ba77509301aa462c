import { make } from './dom.js';

/** What the labels of axes are written in. */
export const AXIS_FONT = '12px system-ui, sans-serif';
const NARROWEST = 56;
// Between labels and lines, and beyond the labels.
const ROOM = 14;

const context = make('canvas').getContext('2d');

/** The width of the y axes of panels that lie beneath each other, as wide as the widest of their labels so far. */
export class AxisWidth {
  private current = NARROWEST;

  /** @param onGrow called where labels need more than all before them, so that all panels follow */
  constructor(private readonly onGrow: () => void) {}

  /** In CSS pixels. */
  get pixels(): number {
    return this.current;
  }

  /** The width that has room for labels too. */
  fit(labels: readonly string[]): number {
    if (!context) return this.current;
    context.font = AXIS_FONT;
    const widest = labels.reduce((most, label) => Math.max(most, context.measureText(label).width), 0);
    const needed = Math.ceil(widest) + ROOM;
    // One that also shrank would move the lines while the reader moves about.
    if (needed > this.current) {
      this.current = needed;
      this.onGrow();
    }
    return this.current;
  }
}
