import { AppError } from './errors.js';

/** Where the service stands: it takes work only while it is ready. */
export type ReadinessState = 'loading' | 'ready' | 'draining';

/** Keeps where the service stands; it goes from loading to ready to draining and never back. */
export class Readiness {
  private current: ReadinessState = 'loading';

  get state(): ReadinessState {
    return this.current;
  }

  /** What is answered to those who bring work, while none is taken. */
  get refusal(): AppError | undefined {
    if (this.current === 'ready') return undefined;
    return new AppError('NOT_READY', `The service takes no work now: it is ${this.current}.`);
  }

  /** The models are loaded and each has scored a probe. */
  becomeReady(): void {
    if (this.current === 'loading') this.current = 'ready';
  }

  /** The service has been told to end. */
  startDraining(): void {
    this.current = 'draining';
  }
}
