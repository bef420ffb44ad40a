/** One file of a generated project. */

/**
 * Owner of a file in a generated project.
 * - `user-owned`: written when it is missing, never changed afterwards, except for sections that
 *   `ProjectFile.refresh` keeps up to date.
 * - `generated`: rewritten by each `autopilot generate`.
 * - `merged`: edits by the user stay, and changes of the generated text are merged into them.
 */
export type Ownership = 'user-owned' | 'generated' | 'merged';

/** One file of a generated project, before it is compared with the file on disk. */
export interface ProjectFile {
  /** Path relative to the project's folder, with forward slashes. */
  readonly path: string;
  /** Whole content of the file. */
  readonly content: string | Uint8Array;
  /** Owner of the file: decides what happens when the file exists already. */
  readonly ownership: Ownership;
  /**
   * Updates the sections of a user-owned file that follow autopilot.yaml. Default: the file is
   * never changed.
   */
  readonly refresh?: (text: string) => string;
  /**
   * Path of the stub that this file tests. The file is only created together with the stub, so that
   * a deleted test does not come back. Default: the file is created whenever it is missing.
   */
  readonly testOf?: string;
}
