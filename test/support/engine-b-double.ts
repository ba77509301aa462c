import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { type Bucket, getObject, putObject } from '../../src/engines/s3.js';
import { LoopbackServer } from './listening.js';

const TYPES = [
  ...['image/jpeg', 'image/png', 'text/plain', 'text/csv', 'application/json', 'application/pdf'],
  ...['application/zip', 'audio/mpeg', 'audio/ogg'],
];
const fields = z.array(z.object({ name: z.string().regex(/^[a-z_]\w*$/i), type: z.array(z.enum(TYPES)) }));
const serviceSchema = z.object({
  name: z.string(),
  slug: z.string().regex(/^[a-z][a-z0-9-]*$/),
  url: z.url(),
  summary: z.string(),
  status: z.enum(['available', 'unavailable', 'disabled', 'sleeping']),
  data_in_fields: fields,
  data_out_fields: fields,
  tags: z.array(z.object({ name: z.string(), acronym: z.string() })),
  docs_url: z.url().optional(),
});
const updateSchema = z.object({
  data_out: z.array(z.string()),
  status: z.enum(['pending', 'fetching', 'processing', 'saving', 'finished', 'error', 'scheduled', 'skipped']),
  error_message: z.string().nullish(),
});

type ServiceB = z.infer<typeof serviceSchema> & { id: string };

/** A task as the Engine keeps it. */
export interface TaskB {
  inPipeline: boolean;
  updates: z.infer<typeof updateSchema>[];
}

/**
 * Plays an Engine of generation B, and remembers under `harm` whatever would have done harm to the real
 * one: an update that it cannot store, outputs that do not match the fields, a repeated end of a task in
 * a pipeline, and so on.
 */
export class EngineBDouble {
  readonly services = new Map<string, ServiceB>();
  /** Where tasks go: what a route was built with, whatever the record says by now. */
  readonly routes = new Map<string, { url: string; outputs: number }>();
  readonly tasks = new Map<string, TaskB>();
  readonly harm: string[] = [];
  pings = 0;
  /** Which of the attempts to update a task, counted from 1, fail before they are taken. */
  fails: (attempt: number) => boolean = () => false;
  private readonly attempts = new Map<string, number>();
  private readonly server: LoopbackServer;

  constructor(private readonly bucket: Bucket) {
    const app = express();
    app.use(express.json());
    app.get('/openapi.json', (_request, response) => {
      response.json({ paths: { '/services/slug/{service_slug}': {}, '/services/{service_id}': {} } });
    });
    app.post('/services', (request, response) => this.register(request, response));
    app.get('/services/slug/:slug', (request, response) => {
      const service = this.services.get(request.params.slug);
      response.status(service ? 200 : 404).json(service ?? { detail: 'Service Not Found' });
    });
    app.post('/services/:slug/ping', (request, response) => {
      this.pings += 1;
      response.status(this.services.has(request.params.slug) ? 200 : 404).json(null);
    });
    app.patch('/services/:id', (request, response) => this.update(request, response));
    app.patch('/tasks/:id', (request, response) => this.updateTask(request, response));
    this.server = new LoopbackServer(app);
  }

  get url(): string {
    return this.server.url;
  }

  up = () => this.server.up();
  down = () => this.server.down();

  /** Forgets all services and routes, as an Engine with a new database does. */
  forget(): void {
    this.services.clear();
    this.routes.clear();
  }

  /** Sends a task as the real Engine does; like it, forgets the task where it is not answered 200. */
  async submit(slug: string, csv: string, { inPipeline = false, id = randomUUID(), key = '' } = {}) {
    const route = this.routes.get(slug);
    if (!route) throw new Error(`no route ${slug}`);
    const input = key || `${randomUUID()}.csv`;
    if (!key) await putObject(this.bucket, input, Buffer.from(csv), 'text/csv', AbortSignal.timeout(5000));
    if (!this.tasks.has(id)) this.tasks.set(id, { inPipeline, updates: [] });
    const answer = await fetch(new URL('/compute', route.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(this.order(id, input, inPipeline)),
      signal: AbortSignal.timeout(5000),
    });
    await answer.arrayBuffer();
    if (answer.status !== 200) this.tasks.delete(id);
    return { id, status: answer.status };
  }

  /** How a task ended, if it has. */
  endOf(id: string): TaskB['updates'][number] | undefined {
    return this.tasks.get(id)?.updates.at(-1);
  }

  /** Reads an output. */
  read(key: string): Promise<Uint8Array> {
    return getObject(this.bucket, key, 1e8, AbortSignal.timeout(5000));
  }

  private order(id: string, input: string, inPipeline: boolean): object {
    const { accessKeyId, secretAccessKey, region, host, bucket } = this.bucket;
    const now = new Date().toISOString().replace('Z', '000');
    const run = inPipeline ? randomUUID() : null;
    const nothing = { data_out: null, pipeline_step_id: null, error_message: null, service_id: randomUUID() };
    return {
      ...{ s3_access_key_id: accessKeyId, s3_secret_access_key: secretAccessKey, s3_region: region },
      ...{ s3_host: host.href, s3_bucket: bucket, callback_url: `${this.url}/tasks/${id}` },
      task: {
        ...{ id, data_in: [input], status: 'pending', pipeline_execution_id: run, ...nothing },
        ...{ created_at: now, updated_at: now },
      },
    };
  }

  private async register({ body }: Request, response: Response): Promise<void> {
    const service = this.check(serviceSchema, body, 'registration');
    if (!service) response.status(422).json({});
    else if (this.services.has(service.slug)) response.status(409).json({ detail: 'exists' });
    else {
      const alive = await fetch(`${service.url}/status`).catch(() => undefined);
      if (alive?.status !== 200) {
        response.status(alive ? 500 : 503).json({});
        return;
      }
      const stored = { ...service, url: new URL(service.url).href, id: randomUUID() };
      this.services.set(service.slug, stored);
      this.buildRoute(stored);
      response.json(stored);
    }
  }

  private update(request: Request<{ id: string }>, response: Response): void {
    const service = [...this.services.values()].find(({ id }) => id === request.params.id);
    const change = this.check(serviceSchema.partial(), request.body, 'update');
    if (!service || !change) {
      response.status(service ? 422 : 404).json({});
      return;
    }
    // The real Engine stores one word for another.
    const status = change.status === 'sleeping' ? 'unavailable' : (change.status ?? service.status);
    Object.assign(service, change, { status });
    if (status === 'available') this.buildRoute(service);
    else this.routes.delete(service.slug);
    response.json(service);
  }

  private buildRoute({ slug, url, data_out_fields: outputs }: ServiceB): void {
    if (!this.routes.has(slug)) this.routes.set(slug, { url: url.replace(/\/$/, ''), outputs: outputs.length });
  }

  private updateTask(request: Request<{ id: string }>, response: Response): void {
    const { id } = request.params;
    const attempt = (this.attempts.get(id) ?? 0) + 1;
    this.attempts.set(id, attempt);
    if (this.fails(attempt)) {
      if (attempt % 2 === 0) request.socket.destroy();
      else response.status(500).json({});
      return;
    }
    const task = this.tasks.get(id);
    const update = this.check(updateSchema, request.body, `update of task ${id}`);
    if (!task || !update) {
      if (!task) this.harm.push(`update of unknown task ${id}`);
      response.status(task ? 422 : 404).json({});
      return;
    }
    if (task.inPipeline && task.updates.length > 0) this.harm.push(`task ${id} in a pipeline ended twice`);
    const [{ outputs } = { outputs: 0 }] = this.routes.values();
    if (update.status === 'finished' && update.data_out.length !== outputs) this.harm.push('outputs do not match');
    task.updates.push(update);
    response.json({});
  }

  private check<T>(schema: z.ZodType<T>, body: unknown, what: string): T | undefined {
    const checked = schema.safeParse(body);
    if (!checked.success) this.harm.push(`${what}: ${checked.error.message}`);
    return checked.data;
  }
}
