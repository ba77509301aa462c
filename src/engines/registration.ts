import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { type Engine, type Generation, recogniseGeneration } from './engine.js';
import { EngineA } from './engine-a.js';
import { EngineB } from './engine-b.js';

/** An Engine as the configuration names it. */
export interface ConfiguredEngine {
  url: string;
  /** Recognised by what the Engine publishes where it is not said. */
  generation?: Generation;
}

/** How hard a registration tries. */
export interface RegistrationSettings {
  /** Where Engines reach us. */
  serviceUrl: string;
  /** Attempts after which it is an error that an Engine has not taken us; attempts go on. */
  announceRetries: number;
  /** Seconds before the second attempt; twice as many before each further one, up to a minute. */
  announceRetryDelay: number;
}

const LONGEST_DELAY_SECONDS = 60;
const LEAVING_SECONDS = 3;

/**
 * Keeps the service registered with one Engine, in the background, for as long as it runs: announces
 * it, sends heartbeats, announces it again when the Engine has forgotten it, and takes it out in the end.
 * Whatever the Engine does is logged and never disturbs the service.
 */
export class Registration {
  private engine?: Engine;
  private announced = false;
  private failures = 0;
  private readonly stopping = new AbortController();
  private keeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly configured: ConfiguredEngine,
    private readonly settings: RegistrationSettings,
    private readonly logger: Logger,
  ) {}

  /** Whether the Engine has taken the service. */
  get isRegistered(): boolean {
    return this.announced;
  }

  /** Begins; does not wait for the Engine. */
  start(): void {
    this.keeping = this.keep();
  }

  /** Takes the service out of the Engine, if that can be reached. */
  async leave(): Promise<void> {
    this.stopping.abort();
    const left = this.keeping.then(() => this.leaveEngine());
    await Promise.race([left, wait(LEAVING_SECONDS * 1000, undefined, { ref: false })]);
  }

  private async keep(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const seconds = await this.attempt();
      await wait(seconds * 1000, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Does what is due, and tells in how many seconds something is due again. */
  private async attempt(): Promise<number> {
    try {
      this.engine ??= await this.recognise();
      if (this.announced) this.announced = await this.engine.heartbeat();
      if (!this.announced) await this.announce(this.engine);
      this.failures = 0;
      return this.engine.heartbeatSeconds;
    } catch (error) {
      // An Engine that comes back may be another one.
      if (!this.announced) this.engine = undefined;
      this.announced = false;
      this.failures += 1;
      const delay = Math.min(LONGEST_DELAY_SECONDS, this.settings.announceRetryDelay * 2 ** (this.failures - 1));
      this.report(error, delay);
      return delay;
    }
  }

  private async recognise(): Promise<Engine> {
    const { url, generation = await recogniseGeneration(url) } = this.configured;
    const { serviceUrl } = this.settings;
    return generation === 'A' ? new EngineA(url, serviceUrl) : new EngineB(url, serviceUrl);
  }

  private async announce(engine: Engine): Promise<void> {
    await engine.announce();
    this.announced = true;
    const { serviceUrl } = this.settings;
    this.logger.info('registered', { engine: this.configured.url, generation: engine.generation, serviceUrl });
  }

  private report(error: unknown, nextAttemptSeconds: number): void {
    const { failures, logger } = this;
    const reason = error instanceof Error ? error.message : String(error);
    const level = failures === this.settings.announceRetries ? 'error' : failures === 1 ? 'warn' : 'debug';
    logger.log(level, 'not registered', { engine: this.configured.url, reason, failures, nextAttemptSeconds });
  }

  private async leaveEngine(): Promise<void> {
    const { engine } = this;
    if (!engine) return;
    try {
      await engine.leave();
      this.logger.info('de-registered', { engine: this.configured.url });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn('not de-registered', { engine: this.configured.url, reason });
    }
  }
}
