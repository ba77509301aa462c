import { Controller, Get, Response, Route, SuccessResponse, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import type { ReadinessState } from '../readiness.js';

/** The process answers. */
export interface Liveness {
  status: 'live';
}

/** Where the service stands. */
export interface ReadinessAnswer {
  status: ReadinessState;
}

@Route('health')
@Tags('Health')
export class HealthController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * Answers as long as the process does.
   *
   * @summary Is the process alive?
   */
  @Get('live')
  live(): Liveness {
    return { status: 'live' };
  }

  /**
   * Answers 200 once the model is loaded and has scored a probe, until the service is told to end.
   *
   * @summary Does the service take work?
   */
  @Get('ready')
  @SuccessResponse(200, 'Ready')
  @Response<ReadinessAnswer>(503, 'Loading the model, or finishing what is under way')
  ready(): ReadinessAnswer {
    const { state } = this.dependencies.readiness;
    this.setStatus(state === 'ready' ? 200 : 503);
    return { status: state };
  }
}
