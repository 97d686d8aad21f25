/** A path that leaves, or could leave, the root of its host. */
export class PathError extends Error {
  readonly code = 'PATH_REFUSED';
  override readonly name = 'PathError';
  readonly path: string;
  constructor(path: string, why: string) {
    super(`The path ${JSON.stringify(path)} is refused: ${why}.`);
    this.path = path;
  }
}

/** An expression of a stack that has no value for this host component. */
export class ExpressionError extends Error {
  readonly code = 'EXPRESSION_FAILED';
  override readonly name = 'ExpressionError';
  /** Where in the definition, such as `zookeeper/zookeeper_server process.args[2]`. */
  readonly place: string;
  constructor(place: string, why: string) {
    super(`${place}: ${why}`);
    this.place = place;
  }
}

/** A template that cannot be compiled or rendered. */
export class TemplateError extends Error {
  readonly code = 'TEMPLATE_FAILED';
  override readonly name = 'TemplateError';
  readonly template: string;
  constructor(template: string, why: string) {
    super(`Template ${template}: ${why}`);
    this.template = template;
  }
}

/** A value that the format of its file has no way to write. */
export class ValueError extends Error {
  readonly code = 'VALUE_NOT_REPRESENTABLE';
  override readonly name = 'ValueError';
}
