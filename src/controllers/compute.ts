import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import { Controller, Middlewares, Post, Request, Response, Route, SuccessResponse, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import { type Report, type ReportFormat, mediaTypes } from '../detection/report.js';
import { AppError } from '../errors.js';
import type { ErrorAnswer } from '../error-handler.js';
import { receiveCsv, uploadedCsv } from '../upload.js';
import type { DetectAnswer } from '../workers/detect-worker.js';

@Route('compute')
@Tags('Detection')
export class ComputeController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * Finds where a time series goes wrong. Send a CSV; the answer says which points the model could
   * not reconstruct as well as normal data, as intervals and point by point. With
   * `Accept: text/csv` the answer is the CSV with the columns `expected`, `error`, `score` and
   * `isAnomaly` added.
   *
   * @summary Find the anomalies of a CSV
   */
  @Post()
  @Middlewares(receiveCsv)
  @SuccessResponse(200, 'The verdict')
  @Response<ErrorAnswer>(400, 'The request or the CSV is not as it should be')
  @Response<ErrorAnswer>(406, 'No form that the caller accepts')
  @Response<ErrorAnswer>(413, 'The file is larger than the limit')
  @Response<ErrorAnswer>(415, 'Not multipart/form-data')
  @Response<ErrorAnswer>(503, 'Not ready, or too many requests are waiting')
  async compute(@Request() request: ExpressRequest): Promise<Report> {
    const response = request.res as ExpressResponse;
    const format = chooseFormat(request);
    const { csv, options } = uploadedCsv(request);
    const answer = await this.dependencies.detector.detect({ csv, options, format }, abortedWith(response));
    response.locals.detection = describe(answer);
    response.set({
      'Content-Type': mediaTypes[format],
      'Content-Length': String(answer.body.reduce((sum, piece) => sum + piece.byteLength, 0)),
      'Server-Timing': serverTiming(answer.timings),
    });
    await pipeline(Readable.from(answer.body), response);
    // The worker wrote the report as text and it is sent by now: the return type is there for the
    // OpenAPI document, and tsoa answers nothing once the headers are out.
    return undefined as unknown as Report;
  }
}

function chooseFormat(request: ExpressRequest): ReportFormat {
  const format = request.accepts(['json', 'csv']);
  if (format === 'json' || format === 'csv') return format;
  throw new AppError('NOT_ACCEPTABLE', 'The answer comes as application/json or text/csv.', {
    expected: 'application/json, text/csv',
    received: request.get('accept'),
  });
}

/** A signal that fires when the client goes away before it has its answer. */
function abortedWith(response: ExpressResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableEnded) controller.abort();
  });
  return controller.signal;
}

function describe({ length, anomalousPoints, timings }: DetectAnswer) {
  return { length, anomalousPoints, timings };
}

function serverTiming(timings: Record<string, number>): string {
  return Object.entries(timings)
    .map(([step, milliseconds]) => `${step};dur=${milliseconds.toFixed(1)}`)
    .join(', ');
}
