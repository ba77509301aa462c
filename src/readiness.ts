/** Where the service stands: it takes work only while it is ready. */
export type ReadinessState = 'loading' | 'ready' | 'draining';

/** Keeps where the service stands; it goes from loading to ready to draining and never back. */
export class Readiness {
  private current: ReadinessState = 'loading';

  get state(): ReadinessState {
    return this.current;
  }

  /** The model is loaded and has scored a probe. */
  becomeReady(): void {
    if (this.current === 'loading') this.current = 'ready';
  }

  /** The service has been told to end. */
  startDraining(): void {
    this.current = 'draining';
  }
}
