import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import multer from 'multer';
import { LoopbackServer } from './listening.js';

/** A service as the Engine keeps it. */
interface RegisteredA {
  url: string;
  api: { route: string; body: string[]; bodyType: string[] };
}

/** What an Engine made of a callback. */
export interface ResultA {
  error?: string;
  json: Record<string, unknown>;
  files: Record<string, Buffer>;
}

const TYPES = /^\[[\w/-]+(, [\w/-]+)*\]$/;

/**
 * Plays an Engine of generation A, and remembers under `harm` whatever would have done harm to the real
 * one: a second callback or one for a task that it does not know stops its worker, a part without a file
 * name is a 500, and so on.
 */
export class EngineADouble {
  readonly services = new Map<string, RegisteredA>();
  readonly results = new Map<string, ResultA>();
  readonly harm: string[] = [];
  heartbeats = 0;
  /** Each status that the service answered to a task. */
  readonly computeStatuses: number[] = [];
  private readonly expected = new Set<string>();
  private readonly server: LoopbackServer;

  constructor() {
    const app = express();
    app.get('/openapi.json', (_request, response) => {
      response.json({ paths: { '/services/{serviceName}': {}, '/services': {} } });
    });
    app.post('/services', express.json(), (request, response) => this.register(request, response));
    app.get('/services/:route', (request, response) => this.describe(request, response));
    app.delete('/services/:route', (request, response) => {
      this.services.delete(request.params.route);
      response.json(null);
    });
    app.post('/processing', express.json({ limit: '100mb' }), multer().any(), (request, response) => {
      this.takeCallback(request);
      response.json(null);
    });
    app.get('/tasks/:id/status', ({ params: { id } }, response) => {
      if (this.expected.has(id) && !this.results.has(id)) response.json({ status: 'running' });
      else response.status(500).send('Internal Server Error');
    });
    this.server = new LoopbackServer(app);
  }

  get url(): string {
    return this.server.url;
  }

  up = () => this.server.up();
  down = () => this.server.down();

  /** Forgets all tasks, as an Engine that keeps them in memory does when it starts again. */
  forgetTasks(): void {
    this.expected.clear();
  }

  /** Has a task known that is not sent by {@link submit}. */
  expect(id: string): void {
    this.expected.add(id);
  }

  /** Sends a task as the real Engine does, and again with the same id where it is not answered 200. */
  async submit(route: string, csv: string, { attempts = 1, id = randomUUID().replaceAll('-', '') } = {}) {
    const service = this.services.get(route);
    if (!service) throw new Error(`no service ${route}`);
    this.expected.add(id);
    const query = new URLSearchParams({ callback_url: `${this.url}/processing`, task_id: id });
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const form = new FormData();
      const type = 'application/octet-stream';
      form.append('text', new Blob([csv], { type }), randomUUID());
      form.append('data', new Blob(['{}'], { type }), 'upload');
      const body = { method: 'POST', body: form, signal: AbortSignal.timeout(5000) };
      const answer = await fetch(`${service.url}?${query.toString()}`, body);
      await answer.arrayBuffer();
      this.computeStatuses.push(answer.status);
      if (answer.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    return id;
  }

  private register({ body }: Request, response: Response): void {
    const { url, type, api } = body as RegisteredA & { type?: string };
    const valid =
      typeof url === 'string' &&
      type === 'service' &&
      /^[^.]+$/.test(api.route) &&
      Array.isArray(api.body) &&
      api.body.length === api.bodyType.length &&
      api.bodyType.every((types) => TYPES.test(types));
    if (!valid) this.harm.push(`registration: ${JSON.stringify(body)}`);
    if (api.body.includes('data')) this.harm.push('an input called data is overwritten');
    // What is registered already only counts as alive: neither address nor fields are updated.
    if (this.services.has(api.route)) this.heartbeats += 1;
    else this.services.set(api.route, { url, api });
    response.json(null);
  }

  private describe({ params }: Request<{ route: string }>, response: Response): void {
    const service = this.services.get(params.route);
    if (!service) {
      response.status(500).send('Internal Server Error');
      return;
    }
    response.json({ type: 'service', nodes: [{ type: 'entry', api: service.api }, { url: service.url }] });
  }

  private takeCallback(request: Request): void {
    const id = request.query.task_id as string;
    if (!this.expected.has(id)) this.harm.push(`callback for unknown task ${id}`);
    if (this.results.has(id)) this.harm.push(`second callback for task ${id}`);
    this.results.set(id, request.is('json') ? this.readJson(request.body) : this.readForm(request));
  }

  private readJson(body: unknown): ResultA {
    const json = this.checkResult(body);
    return json.type === 'error' ? { error: String(json.message), json, files: {} } : { json, files: {} };
  }

  private readForm(request: Request): ResultA {
    const parts = (request.files ?? []) as Express.Multer.File[];
    const nameless = Object.keys((request.body ?? {}) as object);
    if (nameless.length > 0) this.harm.push(`parts without a file name: ${nameless.join()}`);
    const isJson = ({ mimetype }: Express.Multer.File) => mimetype === 'application/json';
    const texts = parts.filter(isJson).map(({ buffer }) => this.checkResult(JSON.parse(buffer.toString())));
    const json = Object.assign({}, ...texts) as Record<string, unknown>;
    if (json.type === 'error') this.harm.push('an error within a form counts as a result');
    const files = parts.filter((part) => !isJson(part)).map(({ fieldname, buffer }) => [fieldname, buffer]);
    return { json, files: Object.fromEntries(files) as Record<string, Buffer> };
  }

  private checkResult(value: unknown): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.harm.push('a result that is no object');
      return {};
    }
    const dotted = Object.keys(value).filter((key) => key.includes('.'));
    if (dotted.length > 0) this.harm.push(`keys with dots: ${dotted.join()}`);
    return value as Record<string, unknown>;
  }
}
