/** Why a scaffold was not written, as a sentence for the author; nothing was written then. */
export class ScaffoldError extends Error {
  override readonly name = 'ScaffoldError';
  readonly code: 'NAME_INVALID' | 'FOLDER_NOT_EMPTY';
  constructor(code: ScaffoldError['code'], sentence: string) {
    super(sentence);
    this.code = code;
  }
}
