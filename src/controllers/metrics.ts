import type { Request as ExpressRequest } from 'express';
import { Controller, Get, Produces, Request, Route, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';

@Route('metrics')
@Tags('Health')
export class MetricsController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * Requests, points, anomalies, queue, workers, models and the process, in the form that Prometheus reads.
   *
   * @summary Figures for Prometheus
   */
  @Get()
  @Produces('text/plain')
  async read(@Request() request: ExpressRequest): Promise<string> {
    const { metrics } = this.dependencies;
    const text = await metrics.read();
    request.res?.set('Content-Type', metrics.mediaType).send(text);
    return text;
  }
}
