import { Controller, Get, Route, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import type { ModelDescription } from '../inference/metadata.js';

@Route('model')
@Tags('Model')
export class ModelController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * What the served model reads, what it was trained on, how it is calibrated and what was measured.
   *
   * @summary The model that answers
   */
  @Get()
  model(): ModelDescription {
    return this.dependencies.model;
  }
}
