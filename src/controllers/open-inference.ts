import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import {
  Controller,
  Get,
  Middlewares,
  Path,
  Post,
  Request,
  Response,
  Route,
  SuccessResponse,
  Tags,
} from '@tsoa/runtime';
import { AnswerStream } from '../answer-stream.js';
import type { Dependencies } from '../dependencies.js';
import type { OpenInferenceError } from '../error-handler.js';
import { describeInputs, describeOutputs, type TensorMetadata } from '../open-inference/tensors.js';
import type { InferenceAnswer, InferencePiece } from '../open-inference/response.js';
import { namedModel, receivedTensors, receiveTensors } from '../tensor-upload.js';
import { version as serverVersion } from '../version.js';

/** The server. */
export interface ServerMetadata {
  name: string;
  version: string;
  /** The extensions of the protocol that it knows. */
  extensions: string[];
}

/** The process answers. */
export interface ServerLive {
  live: boolean;
}

/** Whether the service takes work. */
export interface ServerReady {
  ready: boolean;
}

/** Whether a model takes work. */
export interface ModelReady extends ServerReady {
  name: string;
}

/** What a model reads and answers. */
export interface ModelMetadataAnswer {
  name: string;
  /** Its versions, the newest first. */
  versions: string[];
  platform: string;
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

// As the protocol calls it.
const PLATFORM = 'onnx_onnxv1';
const JSON_TYPE = 'application/json; charset=utf-8';
const BINARY_TYPE = 'application/octet-stream';
const HEADER_LENGTH = 'Inference-Header-Content-Length';

/** The Open Inference Protocol, version 2: https://github.com/kserve/open-inference-protocol */
@Route('v2')
@Tags('Open Inference Protocol')
export class OpenInferenceController extends Controller {
  constructor(private readonly dependencies: Dependencies) {
    super();
  }

  /** @summary The server */
  @Get()
  server(): ServerMetadata {
    return { name: 'ae-ano-detection', version: serverVersion, extensions: ['binary_tensor_data'] };
  }

  /**
   * Answers as long as the process does.
   *
   * @summary Is the server alive?
   */
  @Get('health/live')
  live(): ServerLive {
    return { live: true };
  }

  /**
   * Answers 200 once every model is loaded and has scored a probe, until the service is told to end.
   *
   * @summary Does the server take work?
   */
  @Get('health/ready')
  @Response<ServerReady>(503, 'Loading the models, or finishing what is under way')
  ready(): ServerReady {
    return { ready: this.isReady() };
  }

  /**
   * @summary What a model reads and answers
   * @example name "ecg"
   */
  @Get('models/{name}')
  @Response<OpenInferenceError>(404, 'There is no such model')
  model(@Path() name: string): ModelMetadataAnswer {
    return this.describe(name);
  }

  /**
   * @summary What a version of a model reads and answers
   * @example name "ecg"
   * @example version "1"
   */
  @Get('models/{name}/versions/{version}')
  @Response<OpenInferenceError>(404, 'There is no such model')
  modelVersion(@Path() name: string, @Path() version: string): ModelMetadataAnswer {
    return this.describe(name, version);
  }

  /**
   * @summary Does a model take work?
   * @example name "ecg"
   */
  @Get('models/{name}/ready')
  @Response<OpenInferenceError>(404, 'There is no such model')
  @Response<ModelReady>(503, 'Loading the models, or finishing what is under way')
  modelReady(@Path() name: string): ModelReady {
    return this.modelReadiness(name);
  }

  /**
   * @summary Does a version of a model take work?
   * @example name "ecg"
   * @example version "1"
   */
  @Get('models/{name}/versions/{version}/ready')
  @Response<OpenInferenceError>(404, 'There is no such model')
  @Response<ModelReady>(503, 'Loading the models, or finishing what is under way')
  modelVersionReady(@Path() name: string, @Path() version: string): ModelReady {
    return this.modelReadiness(name, version);
  }

  /**
   * Scores a series and judges each of its points, by the newest version of a model.
   *
   * @summary Find the anomalies of a tensor
   * @example name "ecg"
   */
  @Post('models/{name}/infer')
  @Middlewares(receiveTensors)
  @SuccessResponse(200, 'What the model and the verdict say of each point')
  @Response<OpenInferenceError>(400, 'The request is not as it should be')
  @Response<OpenInferenceError>(404, 'There is no such model')
  @Response<OpenInferenceError>(413, 'The request is larger than the limit')
  @Response<OpenInferenceError>(415, 'The body is compressed')
  @Response<OpenInferenceError>(503, 'Not ready, or too many requests are waiting')
  async infer(@Path() name: string, @Request() request: ExpressRequest): Promise<InferenceAnswer> {
    return this.answer(namedModel({ name }), request);
  }

  /**
   * Scores a series and judges each of its points.
   *
   * @summary Find the anomalies of a tensor, by a version of a model
   * @example name "ecg"
   * @example version "1"
   */
  @Post('models/{name}/versions/{version}/infer')
  @Middlewares(receiveTensors)
  @SuccessResponse(200, 'What the model and the verdict say of each point')
  @Response<OpenInferenceError>(400, 'The request is not as it should be')
  @Response<OpenInferenceError>(404, 'There is no such model')
  @Response<OpenInferenceError>(413, 'The request is larger than the limit')
  @Response<OpenInferenceError>(415, 'The body is compressed')
  @Response<OpenInferenceError>(503, 'Not ready, or too many requests are waiting')
  async inferVersion(
    @Path() name: string,
    @Path() version: string,
    @Request() request: ExpressRequest,
  ): Promise<InferenceAnswer> {
    return this.answer(namedModel({ name, version }), request);
  }

  private isReady(): boolean {
    const ready = this.dependencies.readiness.state === 'ready';
    this.setStatus(ready ? 200 : 503);
    return ready;
  }

  private modelReadiness(name: string, version?: string): ModelReady {
    const { metadata } = this.dependencies.detector.choose(namedModel({ name, version }));
    return { name: metadata.name, ready: this.isReady() };
  }

  private describe(asked: string, askedVersion?: string): ModelMetadataAnswer {
    const { detector } = this.dependencies;
    const { name, columns } = detector.choose(namedModel({ name: asked, version: askedVersion })).metadata;
    const versions = detector.models.flatMap(({ metadata }) => (metadata.name === name ? metadata.version : []));
    const [inputs, outputs] = [describeInputs(columns.length), describeOutputs(columns.length)];
    return { name, versions, platform: PLATFORM, inputs, outputs };
  }

  private async answer(model: string, request: ExpressRequest): Promise<InferenceAnswer> {
    const response = request.res as ExpressResponse;
    const stream = new AnswerStream(response, JSON_TYPE);
    const write = ({ format, bytes }: InferencePiece) => {
      if (format === 'body') return stream.write(bytes);
      response.set(format === 'length' ? 'Content-Length' : HEADER_LENGTH, Buffer.from(bytes).toString());
      stream.mediaType = BINARY_TYPE;
      return undefined;
    };
    const answer = await this.dependencies.queue.infer({ ...receivedTensors(response), model }, write, stream.gone);
    response.locals.detection = answer;
    await stream.end(answer.timings);
    // Sent by now, as in ComputeController.
    return undefined as unknown as InferenceAnswer;
  }
}
