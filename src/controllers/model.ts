import { Controller, Get, Route, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import type { ModelMetadata } from '../inference/metadata.js';

/** All that is known of a model. */
export interface ModelDescription extends ModelMetadata {
  /** SHA-256 of the model file, in hexadecimal. */
  sha256: string;
}

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
    return this.dependencies.detector.model;
  }
}
