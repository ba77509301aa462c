import type { ReportFormat } from '../detection/report.js';
import type { AppError } from '../errors.js';
import type { InputBytes, DetectAnswer } from '../workers/detect-worker.js';

/** Where a task stands, in the words of the Engines. */
export type TaskStatus = 'pending' | 'fetching' | 'processing' | 'saving' | 'finished' | 'error';

/** What a task is answered. */
export interface TaskAnswer extends DetectAnswer {
  /** The report in each of the forms that were asked for, in that order. */
  reports: Buffer[];
}

/** How a task ended: the reports in the forms that it asked for, or what was wrong. */
export type Outcome = { answer: TaskAnswer } | { error: AppError };

/** Something that takes room until its last user has released it. */
export interface Retained {
  retain(): void;
  release(): void;
}

/** A CSV as it came, and the options that came with it as texts. */
export interface TaskInput {
  csv: InputBytes;
  options: Record<string, unknown>;
  /** What must be retained while the CSV is read, if anything. */
  upload?: Retained;
}

/** Work that an Engine has given us: where its CSV comes from, and where the outcome goes. */
export interface Task {
  /** The Engine's name for it. The same name coming again is the same task. */
  readonly id: string;
  /** The forms in which the verdict is wanted. */
  readonly formats: ReportFormat[];
  /** What must be retained until the task is computed, if anything. */
  readonly upload?: Retained;
  /**
   * Brings the CSV.
   *
   * @throws AppError where it cannot be had
   */
  fetch(signal: AbortSignal): Promise<TaskInput>;
  /**
   * Hands the outcome to the Engine. Called once for every task that was taken.
   *
   * @param signal ends further attempts
   * @throws where the Engine did not take it
   */
  deliver(outcome: Outcome, signal: AbortSignal): Promise<void>;
}
