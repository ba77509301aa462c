import { ask, type Engine, expectSuccess } from './engine.js';
import { readJson, succeeded } from './outgoing.js';
import { serviceDescription } from './service-description.js';

const { slug, name, summary, description, tags, input, outputs } = serviceDescription;
const CONFLICT = 409;
const NOT_FOUND = 404;

/** What the Engine keeps of a service, as far as we look at it. */
interface Registered {
  id: string;
  url: string;
  status: string;
  data_in_fields: Field[];
  data_out_fields: Field[];
}

interface Field {
  name: string;
  type: readonly string[];
}

/** An Engine of generation B. It sends nothing to who has not pinged for 50 s. */
export class EngineB implements Engine {
  readonly generation = 'B';
  readonly heartbeatSeconds = 20;
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
      ...{ name, slug, url: serviceUrl, summary, description, status: 'available', tags },
      data_in_fields: [{ name: input.name, type: input.types }],
      data_out_fields: outputs.map((output) => ({ name: output.name, type: [output.type] })),
      docs_url: `${serviceUrl}/docs`,
      has_ai: true,
    };
  }

  async announce(): Promise<void> {
    const answer = await ask(this.url, 'POST', '/services', this.registration);
    if (answer.status === CONFLICT) await this.update();
    else expectSuccess(answer, 'registration');
    // Whoever has never pinged is put to sleep at the next sweep.
    await this.ping();
  }

  async heartbeat(): Promise<boolean> {
    if (!(await this.ping())) return false;
    const known = await this.find();
    // An operator who has disabled the service in the Engine means it.
    return known?.status === 'available' || known?.status === 'disabled';
  }

  async leave(): Promise<void> {
    const known = await this.find();
    if (known) await this.patch(known.id, { status: 'sleeping' });
  }

  private async update(): Promise<void> {
    const known = await this.find();
    if (!known) throw new Error('registration was answered 409, but the Engine does not know the service');
    // A route that exists keeps the address and the fields that it was built with: have it built anew.
    if (known.status === 'available' && !this.isAsWeAre(known)) await this.patch(known.id, { status: 'sleeping' });
    await this.patch(known.id, this.registration);
  }

  private isAsWeAre(known: Registered): boolean {
    const { url, data_in_fields: inputs, data_out_fields: results } = this.registration;
    const same = (a: readonly Field[], b: readonly Field[]) => fieldsAsText(a) === fieldsAsText(b);
    // The Engine puts a slash to the end of an address without a path.
    return (
      known.url.replace(/\/$/, '') === url && same(known.data_in_fields, inputs) && same(known.data_out_fields, results)
    );
  }

  private async ping(): Promise<boolean> {
    const answer = await ask(this.url, 'POST', `/services/${slug}/ping`);
    if (answer.status === NOT_FOUND) return false;
    expectSuccess(answer, 'heartbeat');
    return true;
  }

  private async find(): Promise<Registered | undefined> {
    const answer = await ask(this.url, 'GET', `/services/slug/${slug}`);
    return succeeded(answer) ? (readJson(answer) as Registered | undefined) : undefined;
  }

  private async patch(id: string, change: object): Promise<void> {
    expectSuccess(await ask(this.url, 'PATCH', `/services/${encodeURIComponent(id)}`, change), 'update');
  }
}

function fieldsAsText(fields: readonly Field[]): string {
  return JSON.stringify(fields.map((field) => [field.name, field.type]));
}
