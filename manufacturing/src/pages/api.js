// Asking the service: the same interface that everybody has.

/** An answer that is not the one asked for. `kind`: `problem` (the service says why), `unreachable`, `cut`. */
export class Failure extends Error {
  constructor(kind, message, details = {}) {
    super(message);
    Object.assign(this, { kind, status: 0, code: "", help: "", candidates: [] }, details);
  }
}

/** A query of what is there: `?a=1&b=2`. */
export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** The address of what is known of a device: its record, its `history` or its `groups`. */
export function devicePath(serial, scope, part) {
  // A path cannot hold these names: browsers take them for a step up.
  if (serial === "." || serial === ".." || serial === "") return `/v1/${part ?? "devices"}${query({ serial, scope })}`;
  return `/v1/devices/${encodeURIComponent(serial)}${part ? `/${part}` : ""}${query({ scope })}`;
}

async function fetched(path, accept, signal) {
  let response;
  try {
    response = await fetch(path, { headers: { accept }, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("unreachable", "The service does not answer.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  const details = body?.error ?? { message: `The service answered ${response.status} without a reason.` };
  throw new Failure("problem", details.message, { ...details, status: response.status });
}

/** One answer. */
export async function ask(path, signal) {
  const response = await fetched(path, "application/json", signal);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("unreachable", "The answer of the service broke off.");
  }
}

/**
 * An answer of many lines; `each` gets one parsed line after the other, `piece` is called after each piece of them.
 * Whether the last line is the end is for the caller to see: an answer that just stops may still be valid so far.
 */
export async function stream(path, signal, each, piece) {
  const response = await fetched(path, "application/x-ndjson", signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) each(JSON.parse(line));
      piece();
    }
  } catch (error) {
    if (signal.aborted) throw new DOMException("left", "AbortError");
    throw new Failure("cut", "The connection broke off.");
  }
  if (rest !== "") throw new Failure("cut", "The last line is not whole.");
}
