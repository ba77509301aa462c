import type { ModelIdentity } from './inference/model.js';
import type { Detector } from './workers/detector.js';

/** A model that answers. */
export interface ListedModel extends ModelIdentity {
  /** Whether it answers where a request names none. */
  isDefault: boolean;
  /** What the model was trained on, in a sentence. */
  description?: string;
  /** The names of the columns that it reads. */
  columns: string[];
  /** The least number of points of a series. */
  window: number;
}

/** The models that answer. */
export interface ModelList {
  models: ListedModel[];
}

/** The models that answer: by name, and of each name the newest version first. */
export function listModels(detector: Pick<Detector, 'models' | 'choose'>): ModelList {
  const byDefault = detector.choose();
  const models = detector.models.map((file) => {
    const { name, version, description, columns, window } = file.metadata;
    const isDefault = file === byDefault;
    return { name, version, sha256: file.sha256, isDefault, description, columns: columns.map((c) => c.name), window };
  });
  return { models };
}
