import { ask, type Engine, expectSuccess } from './engine.js';
import { readJson, succeeded } from './outgoing.js';
import { serviceDescription } from './service-description.js';

const { slug, summary, description, input } = serviceDescription;

/** An Engine of generation A. Registration and heartbeat are the same call; it drops who is silent for 90 s. */
export class EngineA implements Engine {
  readonly generation = 'A';
  readonly heartbeatSeconds = 30;
  private readonly registration;

  /**
   * @param url the Engine
   * @param serviceUrl where the Engine reaches us
   */
  constructor(
    private readonly url: string,
    serviceUrl: string,
  ) {
    this.registration = {
      url: `${serviceUrl}/compute`,
      type: 'service',
      api: {
        route: slug,
        summary,
        description,
        body: [input.name],
        // A text, not a list: the Engine takes the brackets apart itself.
        bodyType: [`[${input.types.join(', ')}]`],
        resultType: ['[application/json]'],
      },
    };
  }

  async announce(): Promise<void> {
    // A route that exists keeps the address and the fields that it was registered with.
    if (!(await this.knowsUsAsWeAre())) await this.leave();
    await this.register();
  }

  async heartbeat(): Promise<boolean> {
    await this.register();
    return true;
  }

  async leave(): Promise<void> {
    expectSuccess(await ask(this.url, 'DELETE', `/services/${slug}`), 'de-registration');
  }

  private async register(): Promise<void> {
    expectSuccess(await ask(this.url, 'POST', '/services', this.registration), 'registration');
  }

  private async knowsUsAsWeAre(): Promise<boolean> {
    const answer = await ask(this.url, 'GET', `/services/${slug}`);
    if (!succeeded(answer)) return false;
    const { nodes = [] } = (readJson(answer) ?? {}) as { nodes?: Node[] };
    const { api, url } = this.registration;
    return (
      nodes.some((node) => node.url === url) &&
      nodes.some((node) => String(node.api?.body) === String(api.body)) &&
      nodes.some((node) => String(node.api?.bodyType) === String(api.bodyType))
    );
  }
}

/** A part of how the Engine describes a service. */
interface Node {
  url?: string;
  api?: { body?: unknown; bodyType?: unknown };
}
