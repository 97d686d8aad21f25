/** A change of the source. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

/** A mistake in the protocol, made in the source as it is loaded; no file changes. */
export interface Mutant extends Edit {
  readonly name: string;
  /** Where guards of our own stand behind one another, the others are taken away with it. */
  readonly also?: Edit | readonly Edit[];
  /** The seed that noticed it last: tried first. */
  readonly seed?: number;
  /** What it breaks. */
  readonly breaks: string;
}
