/** What is under way, one at a time: what begins ends what was. */
export class UnderWay {
  private controller?: AbortController;

  /** @returns tells when what begins now is to end */
  begin(): AbortSignal {
    this.end();
    this.controller = new AbortController();
    return this.controller.signal;
  }

  /** Ends what is under way, if anything is. */
  end(): void {
    this.controller?.abort();
  }
}
