/** PostgreSQL takes neither NUL nor half a surrogate pair in text, and agents send what their scripts print. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  // What stands for either begins with this, and there is next to never anything that does.
  if (!json.includes('\\u') || !/\\u(?:0000|d[89a-f])/i.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? Buffer.from(item.replaceAll('\u0000', '')).toString() : item,
  );
}
