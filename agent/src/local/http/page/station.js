// The connection to the station. While it is not surely there, the page says so instead of showing what may be old.

const QUIET = 6000; // ms without a status; the station sends one every two seconds
const AGAIN = 1000; // ms until the next attempt

let source = null;
let heard = 0;
let lostSince = null;
let timer = 0;
let handlers = {};

const lost = document.getElementById("lost");
const lostText = document.getElementById("lost-text");
const lostHelp = document.getElementById("lost-help");

// handlers: {answer, status, recent, connected, lost}
export function begin(given) {
  handlers = given;
  open();
  setInterval(() => {
    if (source && performance.now() - heard > QUIET) fail("The station says nothing any more.");
    if (lostSince) showSince();
  }, 1000);
  // A closed lid or a hidden tab stops timers: what is shown then is old.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source && performance.now() - heard > QUIET) fail("The screen was asleep.");
  });
}

function open() {
  clearTimeout(timer);
  heard = performance.now();
  source = new EventSource("/events");
  source.onerror = () => fail("");
  on("status", (status) => {
    heard = performance.now();
    handlers.status(status);
    // Only a status that could be shown makes the page reliable.
    if (!lost.hidden) {
      lost.hidden = true;
      lostSince = null;
      handlers.connected();
    }
  });
  on("recent", (recent) => handlers.recent(recent));
  // After `missed` comes what `recent` still knows.
  on("answer", (answer) => handlers.answer(answer));
}

function on(name, handle) {
  source.addEventListener(name, (event) => {
    try {
      handle(JSON.parse(event.data));
    } catch (error) {
      broken(error);
    }
  });
}

function fail(why) {
  source?.close();
  source = null;
  if (lost.hidden) handlers.lost();
  lost.hidden = false;
  lostSince ??= new Date();
  showSince();
  if (why) lostHelp.textContent = `${why} This page connects again by itself.`;
  clearTimeout(timer);
  timer = setTimeout(() => void reopen(), AGAIN);
}

// An EventSource does not tell why it was refused: a question that is answered in words does.
async function reopen() {
  const abort = new AbortController();
  const giveUp = setTimeout(() => abort.abort(), 4000);
  try {
    const response = await fetch("/events", { signal: abort.signal, cache: "no-store" });
    if (response.status === 401) location.reload();
    const problem = response.ok ? null : (await response.json()).error;
    lostHelp.textContent = problem ? `${problem.message}: ${problem.help}.` : "The station is back.";
    if (response.ok) return open();
  } catch {
    lostHelp.textContent = "Go by the scanner's own light and sound. This page connects again by itself.";
  } finally {
    clearTimeout(giveUp);
    abort.abort();
  }
  timer = setTimeout(() => void reopen(), AGAIN);
}

function showSince() {
  const seconds = Math.round((Date.now() - lostSince) / 1000);
  lostText.textContent = `For ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}. Trying again …`;
}

// A fault of the page itself must not leave an old screen standing.
function broken(error) {
  console.error(error);
  source?.close();
  source = null;
  clearTimeout(timer);
  lost.hidden = false;
  lostText.textContent = "This page has a fault and starts again in a few seconds.";
  lostHelp.textContent = String(error?.message ?? error).slice(0, 200);
  setTimeout(() => location.reload(), 5000);
}
addEventListener("error", (event) => broken(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => broken(event.reason));

// Asks the station; an error has a `message` for people.
export async function ask(path, body) {
  const options = body === undefined
    ? {}
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(30000) });
  } catch {
    throw new Error("The station gave no answer.");
  }
  const said = await response.json().catch(() => null);
  if (response.ok) return said;
  const problem = said?.error;
  throw new Error(problem ? `${problem.message}: ${problem.help}` : `The station answers ${response.status}.`);
}
