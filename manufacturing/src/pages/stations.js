// What every station has, what is missing of it, and why the whole is not complete. Kept fresh while it is looked at.

import { Failure, ask } from "./api.js";
import { announce, duration, make, number, pill, put, shortened, spoken, time } from "./dom.js";
import { strip } from "./picture.js";

const FRESH = 5000;

/** Waits; less where the view is left, longer while nobody looks. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const over = () => {
      if (document.hidden && !signal.aborted) document.addEventListener("visibilitychange", over, { once: true, signal });
      else resolve();
    };
    const timer = setTimeout(over, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

/** Shows again and again what `look` makes, until the view is left. What was seen last stays, and says that it is old. */
export async function keepFresh(place, signal, look) {
  let seen = null;
  while (!signal.aborted) {
    try {
      const shown = await look();
      if (signal.aborted) return;
      replace(place, shown);
      seen = new Date();
    } catch (error) {
      if (signal.aborted) return;
      if (seen === null || !(error instanceof Failure)) throw error;
      if (!place.querySelector("#stale")) {
        place.prepend(make("p", { id: "stale", class: "banner bad", role: "alert" },
          `✕ ${error.message} What is shown here is of `, time(seen.toISOString()), ". It is asked again every 5 seconds."));
      }
    }
    await pause(FRESH, signal);
  }
}

/** Puts something newer in place, and leaves focused and open what a person has focused and opened. */
function replace(place, shown) {
  const controls = () => [...place.querySelectorAll("a, button, summary")];
  const before = controls();
  const focused = before.indexOf(document.activeElement);
  const open = before.map((control) => control.matches(".peek.open, details[open] > summary"));
  put(place, shown);
  const after = controls();
  if (after.length !== before.length) return;
  open.forEach((was, n) => was && after[n].click());
  after[focused]?.focus({ preventScroll: true });
}

export async function stations(place, _route, signal) {
  document.title = "Stations – Lotline";
  let said = null;
  await keepFresh(place, signal, async () => {
    const answer = await ask("/v1/stations", signal);
    const words = statement(answer).words;
    if (words !== said) announce(words);
    said = words;
    return make("article", { id: "stations" },
      make("header", { class: "head" }, make("h1", {}, "Stations"), legend()),
      banner(answer),
      answer.stations.length === 0
        ? make("p", { id: "empty", class: "card" }, "No station has been heard of. Start one with ", make("code", {}, "lotline-station run"), " and the same broker.")
        : make("div", { class: "series-list" }, answer.stations.map(card)));
  });
}

/** The whole in one sentence. */
export function statement({ complete, why, stations: all }) {
  const counting = all.filter(({ series }) => series !== null);
  const lacking = counting.filter((series) => !series.complete);
  const words = complete ? "Complete: every record that a station has announced is stored."
    : `Not complete: ${[...why, lacking.length > 0 && `${lacking.length} of ${counting.length} series lack something`].filter(Boolean).join("; ")}.`;
  const names = new Set(all.map(({ station }) => station));
  const online = new Set(all.filter((series) => series.online).map(({ station }) => station));
  return { words, stations: names.size, online: online.size };
}

function banner(answer) {
  const { words } = statement(answer);
  return make("p", { id: "all-complete", class: `banner ${answer.complete ? "good" : "bad"}`, data: { complete: answer.complete } },
    `${answer.complete ? "✓" : "✕"} ${words}`);
}

function legend() {
  const one = (kind, words) => make("span", {}, make("span", { class: "strip key" }, make("i", { class: kind })), ` ${words}`);
  return make("p", { class: "legend soft" }, one("stored", "stored"), one("hole", "missing"), one("awaited", "announced, not arrived"));
}

const figure = (name, ...value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));

function card(series) {
  const { station, series: id } = series;
  const known = id !== null;
  return make("section", { class: "card series", data: { station, series: id ?? "", complete: series.complete } },
    make("header", {},
      make("h3", {}, station),
      online(series),
      known && pill(series.complete ? "good" : "bad", series.complete ? "complete" : "not complete", { data: { part: "complete" } }),
      make("span", { class: "soft" }, known ? make("span", {}, series.version && `version ${series.version}, `, "series ", shortened(id)) : "no series known")),
    known && strip(series),
    known && make("dl", { class: "figures" },
      figure("last record", number(series.lastSequence)),
      figure("missing", make("span", { class: series.missing > 0 ? "bad" : "" }, number(series.missing))),
      figure("waiting there", series.queue ? number(series.queue.records) : "–", series.queue?.records > 0 && ` (oldest ${duration(series.queue.oldestSeconds)})`),
      figure("silent for", series.silentSeconds === null ? "ever" : duration(series.silentSeconds)),
      figure("last seen", time(series.lastSeen)),
      figure("complete since", series.completeSince ? time(series.completeSince) : "–"),
      series.refused > 0 && figure("refused messages", make("span", { class: "bad" }, number(series.refused)))),
    series.why.length > 0 && make("ul", { class: "reasons", data: { part: "why" } }, series.why.map((why) => make("li", {}, spoken(why)))),
    series.holes.length > 3 && make("details", {}, make("summary", {}, "All missing records"),
      make("p", { class: "mono" }, series.holes.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(", "),
        series.holes.length >= 100 && " … the first hundred stretches")));
}

export function online({ online: is }) {
  if (is === null) return make("span", { class: "pill", data: { part: "online" } }, "connection unknown");
  return make("span", { class: `pill ${is ? "good" : "bad"}`, data: { part: "online", online: is } }, is ? "● online" : "○ offline");
}
