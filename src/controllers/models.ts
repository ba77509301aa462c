import { Controller, Get, Post, Query, Response, Route, Security, SuccessResponse, Tags } from '@tsoa/runtime';
import type { Dependencies } from '../dependencies.js';
import type { ErrorAnswer } from '../error-handler.js';
import type { ModelDescription } from '../inference/metadata.js';
import { listModels, type ModelList } from '../model-list.js';

@Route('')
@Tags('Models')
export class ModelsController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /**
   * What a model reads, what it was trained on, how it is calibrated and what was measured.
   *
   * @summary A model in full
   * @param model Which one, as `name` or `name/version`; without it the one that answers where none is named.
   */
  @Get('model')
  @Response<ErrorAnswer>(404, 'There is no such model')
  model(@Query() model?: string): ModelDescription {
    const { metadata, sha256 } = this.dependencies.detector.choose(model);
    return { ...metadata, sha256 };
  }

  /**
   * The models that answer now: by name, and of each name the newest version first.
   *
   * @summary All models
   */
  @Get('models')
  models(): ModelList {
    return listModels(this.dependencies.detector);
  }

  /**
   * Reads the models anew. They are loaded and tried beside those that answer, and take over only when
   * all of them work; what is under way is finished by the model that began it. Where one of them does
   * not work nothing changes.
   *
   * @summary Take up changed models
   */
  @Post('models/reload')
  @Security('reloadToken')
  @SuccessResponse(200, 'The models that answer from now on')
  @Response<ErrorAnswer>(401, 'The token is missing or wrong')
  @Response<ErrorAnswer>(404, 'Switched off: there is no RELOAD_TOKEN')
  @Response<ErrorAnswer>(422, 'A model cannot be used; nothing has changed')
  @Response<ErrorAnswer>(503, 'Not ready')
  async reload(): Promise<ModelList> {
    const { detector, readiness } = this.dependencies;
    if (readiness.refusal) throw readiness.refusal;
    await detector.reload();
    return listModels(detector);
  }
}
