import type { Anomaly } from '../detection/interval.js';
import { bandsOf } from './bands.js';
import { make } from './dom.js';
import type { Pyramid } from './pyramid.js';
import { thin } from './pyramid.js';
import { colour } from './theme.js';
import { type View, showsAll } from './view.js';

const HEIGHT = 44;
const NARROWEST_WINDOW = 6;
const THINNEST_FLAG = 1.5;

/** The whole series in a narrow strip, with what is flagged and what is on screen; dragging moves that. */
export class Overview {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', 'overview');
  private readonly window = make('div', 'overview-window');
  private anomalies: readonly Anomaly[] = [];
  private width = 0;

  /** @param onMove called with the point that is to be in the middle of the screen */
  constructor(
    private readonly length: number,
    private readonly pyramid: Pyramid,
    private readonly onMove: (centre: number) => void,
  ) {
    this.element = make('div', 'overview-frame', this.canvas, this.window);
    // It does for the mouse what keys do for the keyboard.
    this.element.setAttribute('aria-hidden', 'true');
    this.element.addEventListener('pointerdown', (event) => {
      // A finger on the chart would move it too, the other way.
      event.stopPropagation();
      this.element.setPointerCapture(event.pointerId);
      this.move(event);
    });
    this.element.addEventListener('pointermove', (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) this.move(event);
    });
  }

  /** Shows what is on screen. */
  show(view: View): void {
    const { width, length } = this;
    const left = (view.from / (length - 1)) * width;
    const span = Math.max(((view.to - view.from) / (length - 1)) * width, NARROWEST_WINDOW);
    this.window.hidden = showsAll(view, length);
    this.window.style.transform = `translateX(${Math.min(left, width - span)}px)`;
    this.window.style.width = `${span}px`;
  }

  setVerdict(anomalies: readonly Anomaly[]): void {
    this.anomalies = anomalies;
    this.draw();
  }

  /** Takes the width that it has on the page. */
  resize(): void {
    this.width = this.canvas.clientWidth;
    this.draw();
  }

  private move({ clientX }: PointerEvent): void {
    const { left } = this.canvas.getBoundingClientRect();
    this.onMove(((clientX - left) / this.width) * (this.length - 1));
  }

  /** Draws all again, in the colours of now. */
  draw(): void {
    const { canvas, width } = this;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = HEIGHT * ratio;
    const context = canvas.getContext('2d');
    if (!context || canvas.width === 0) return;
    this.drawFlags(context, canvas.width, canvas.height, ratio);
    this.drawLine(context, canvas.width, canvas.height, ratio);
  }

  private drawFlags(context: CanvasRenderingContext2D, width: number, height: number, ratio: number): void {
    const place = (point: number) => (point / (this.length - 1)) * width;
    context.fillStyle = colour('band-chosen');
    for (const { left, right } of bandsOf(this.anomalies, place, THINNEST_FLAG * ratio, [0, width])) {
      context.fillRect(left, 0, right - left, height);
    }
  }

  private drawLine(context: CanvasRenderingContext2D, width: number, height: number, ratio: number): void {
    const [places, values] = thin([this.pyramid], 0, this.length - 1, width);
    const min = values.reduce((a, b) => Math.min(a, b));
    const max = values.reduce((a, b) => Math.max(a, b));
    const inset = 3 * ratio;
    const scale = (height - 2 * inset) / (max - min || 1);
    context.strokeStyle = colour('series');
    context.lineWidth = ratio * 0.75;
    context.beginPath();
    values.forEach((value, i) => {
      context.lineTo((places[i] / (this.length - 1)) * width, height - inset - (value - min) * scale);
    });
    context.stroke();
  }
}
