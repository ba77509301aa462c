import { randomUUID } from 'node:crypto';
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import { Controller, Middlewares, Post, Query, Request, Response, Route, SuccessResponse, Tags } from '@tsoa/runtime';
import { AnswerStream } from '../answer-stream.js';
import type { Dependencies } from '../dependencies.js';
import { type Report, type ReportFormat, mediaTypes } from '../detection/report.js';
import { taskOfEngineA } from '../engines/task-a.js';
import { isEngineTask, taskOfEngineB } from '../engines/task-b.js';
import { AppError } from '../errors.js';
import type { ErrorAnswer } from '../error-handler.js';
import type { TaskInput } from '../tasks/task.js';
import { receiveCsv, uploadedCsv } from '../upload.js';

/** A task was taken; its outcome is called back. */
export interface TaskTaken {
  /** The name of the task. */
  task_id: string;
  /** For people. */
  status: string;
}

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
   * `isAnomaly` added (of several columns `expected_` and `error_` with the name of each as well); with `Accept: image/png` it is a plot.
   *
   * Engines send tasks here: one of generation A names itself by `callback_url` and `task_id`, one of
   * generation B sends a task as JSON. They are answered at once, and called back with the outcome.
   *
   * @summary Find the anomalies of a CSV
   * @param callbackUrl Where an Engine of generation A wants the outcome called back to.
   * @param taskId Its name for the task.
   */
  @Post()
  @Middlewares(receiveCsv)
  @SuccessResponse(200, 'The verdict; or, for an Engine, that the task was taken')
  @Response<ErrorAnswer>(400, 'The request or the CSV is not as it should be')
  @Response<ErrorAnswer>(403, 'An address that may not be called')
  @Response<ErrorAnswer>(404, 'There is no such model')
  @Response<ErrorAnswer>(406, 'No form that the caller accepts')
  @Response<ErrorAnswer>(413, 'The file is larger than the limit')
  @Response<ErrorAnswer>(415, 'Neither multipart/form-data nor application/json')
  @Response<ErrorAnswer>(503, 'Not ready, or too many requests are waiting')
  async compute(
    @Request() request: ExpressRequest,
    @Query('callback_url') callbackUrl?: string,
    @Query('task_id') taskId?: string,
  ): Promise<Report | TaskTaken> {
    if (callbackUrl !== undefined) return this.takeFromEngineA(request, callbackUrl, taskId ?? randomUUID());
    if (isEngineTask(request.body)) return this.takeFromEngineB(request.body);
    return this.answer(request);
  }

  private takeFromEngineA(request: ExpressRequest, callbackUrl: string, taskId: string): TaskTaken {
    const { config, queue, trust } = this.dependencies;
    const callback = trust.checkCallback(callbackUrl);
    queue.accept(taskOfEngineA(taskId, callback, uploadOrProblem(request), config.deliverySeconds));
    return taken(taskId);
  }

  private takeFromEngineB(body: unknown): TaskTaken {
    const { config, queue, trust } = this.dependencies;
    const task = taskOfEngineB(body, trust, config);
    queue.accept(task);
    return taken(task.id);
  }

  private async answer(request: ExpressRequest): Promise<Report> {
    const response = request.res as ExpressResponse;
    const format = chooseFormat(request);
    const stream = new AnswerStream(response, mediaTypes[format]);
    const input = uploadedCsv(request);
    const answer = await this.dependencies.queue.detect(input, format, ({ bytes }) => stream.write(bytes), stream.gone);
    response.locals.detection = answer;
    await stream.end(answer.timings);
    // The answer is sent by now: the return type is there for the OpenAPI document, and tsoa answers
    // nothing once the headers are out.
    return undefined as unknown as Report;
  }
}

function taken(taskId: string): TaskTaken {
  return { task_id: taskId, status: 'Task added to the queue' };
}

function uploadOrProblem(request: ExpressRequest): TaskInput | AppError {
  try {
    return uploadedCsv(request);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function chooseFormat(request: ExpressRequest): ReportFormat {
  const format = request.accepts(['json', 'csv', 'png']);
  if (format === 'json' || format === 'csv' || format === 'png') return format;
  throw new AppError('NOT_ACCEPTABLE', 'The answer comes as application/json, text/csv or image/png.', {
    expected: 'application/json, text/csv, image/png',
    received: request.get('accept'),
  });
}
