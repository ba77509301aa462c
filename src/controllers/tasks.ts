import { Controller, Get, Path, Response, Route, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import type { ErrorAnswer } from '../error-handler.js';
import { AppError, quote } from '../errors.js';
import type { TaskStatus } from '../tasks/task.js';

/** The service takes tasks. */
export interface ServiceStatus {
  status: 'available';
}

/** Where a task stands. */
export interface TaskStatusAnswer {
  status: TaskStatus;
}

@Route('')
@Tags('Engines')
export class TasksController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * Answers 200 while the service takes tasks: an Engine of generation B asks before it registers it.
   *
   * @summary Does the service take tasks?
   */
  @Get('status')
  @Response<ErrorAnswer>(503, 'Loading the model, or finishing what is under way')
  serviceStatus(): ServiceStatus {
    const { refusal } = this.dependencies.readiness;
    if (refusal) throw refusal;
    return { status: 'available' };
  }

  /**
   * Where a task of an Engine stands; of those that have ended the last 10,000 are known.
   *
   * @summary Where a task stands
   */
  @Get('tasks/{taskId}/status')
  @Response<ErrorAnswer>(404, 'No such task is known')
  taskStatus(@Path() taskId: string): TaskStatusAnswer {
    const status = this.dependencies.queue.status(taskId);
    if (status === undefined) throw new AppError('NOT_FOUND', `No task ${quote(taskId)} is known.`);
    return { status };
  }
}
