import PQueue from 'p-queue';
import type { WritePiece } from '../workers/detector.js';

/** What a job asks for. */
export interface Wanted {
  /** Gives up waiting. */
  signal: AbortSignal;
  /** Whether it holds a large series until its answer is taken. */
  isLarge?: boolean;
}

// A piece of an answer is taken in less, unless its caller is slow.
const PATIENCE_MILLISECONDS = 50;
// Those who have left their places still hold what their answers are made of.
const MOST_LEFT = 32;

/**
 * The places of those who compute, in the order in which they came. Whoever waits for a slow caller leaves its
 * place to another meanwhile, so that nobody keeps others from computing by not reading; jobs that hold a
 * large series do so among their like alone, since memory bounds how many there can be.
 */
export class Places {
  private readonly all: PQueue;
  private readonly large: PQueue;
  private left = 0;

  constructor(private readonly count: number) {
    this.all = new PQueue({ concurrency: count });
    this.large = new PQueue({ concurrency: count });
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.all.size + this.large.size;
  }

  /** How many have had theirs, and are not through. */
  get taken(): number {
    return this.all.pending;
  }

  /** Works once there is a place. */
  take<T>(work: () => Promise<T>, { signal, isLarge = false }: Wanted): Promise<T> {
    const takeOne = () => this.all.add(work, { signal });
    return isLarge ? this.large.add(takeOne, { signal }) : takeOne();
  }

  /** The same writer, whose job leaves its place while its caller takes its time over a piece. */
  leaving<Format extends string>(write: WritePiece<Format>): WritePiece<Format> {
    return async (piece) => {
      let hasLeft = false;
      const timer = setTimeout(() => {
        hasLeft = true;
        this.changeLeft(1);
      }, PATIENCE_MILLISECONDS);
      try {
        await write(piece);
      } finally {
        clearTimeout(timer);
        if (hasLeft) this.changeLeft(-1);
      }
    };
  }

  /** Waits until nobody has a place, or waits for one. */
  async onIdle(): Promise<void> {
    await this.large.onIdle();
    await this.all.onIdle();
  }

  private changeLeft(change: 1 | -1): void {
    this.left += change;
    this.all.concurrency = this.count + Math.min(this.left, MOST_LEFT);
  }
}
