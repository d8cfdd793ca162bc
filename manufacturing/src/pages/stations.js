// What every station has, what is missing of it, and why the whole is not complete. Kept fresh while it is looked at.

import { ask } from "./api.js";
import { announce, duration, make, number, pill, shortened, spoken, time } from "./dom.js";
import { keepFresh } from "./fresh.js";
import { strip } from "./picture.js";
import { online } from "./series.js";
import { SIGNS, givenUp, overall } from "./statement.js";

export async function stations(place, _route, signal) {
  document.title = "Stations – Lotline";
  let said = null;
  await keepFresh(place, signal, async () => {
    const answer = await ask("/v1/stations", signal);
    const { words } = overall(answer);
    if (words !== said) announce(words);
    said = words;
    return make("article", { id: "stations" },
      make("header", { class: "head" }, make("h1", {}, "Stations"), legend(answer)),
      banner(answer),
      answer.writtenOff.length > 0 && make("ul", { class: "reasons", id: "written-off" }, answer.writtenOff.map((off) =>
        make("li", {}, make("b", {}, `${off.station}: `), givenUp(off)))),
      answer.stations.length === 0
        ? make("p", { id: "empty", class: "card" }, "No station has been heard of. Start one with ", make("code", {}, "lotline-station run"), " and the same broker.")
        : make("div", { class: "series-list" }, answer.stations.map(card)));
  });
}

function banner(answer) {
  const { kind, words } = overall(answer);
  return make("p", { id: "all-complete", class: `banner ${kind}`, data: { complete: answer.complete } }, `${SIGNS[kind]} ${words}`);
}

function legend({ stations: all }) {
  const one = (kind, words) => make("span", {}, make("span", { class: "strip key" }, make("i", { class: kind })), ` ${words}`);
  return make("p", { class: "legend soft" }, one("stored", "stored"), one("hole", "missing"), one("awaited", "announced, not arrived"),
    all.some(({ superseded }) => superseded) && one("unknown", "whether there was more is not known"));
}

const figure = (name, ...value) => make("div", {}, make("dt", {}, name), make("dd", {}, value));

function card(series) {
  const { station, series: id, superseded } = series;
  const known = id !== null;
  return make("section", { class: "card series", data: { station, series: id ?? "", complete: series.complete, superseded } },
    make("header", {},
      make("h3", {}, superseded ? `${station}, earlier series` : station),
      !superseded && online(series),
      known && pill(series.complete ? "good" : "bad", series.complete ? "complete" : "not complete", { data: { part: "complete" } }),
      make("span", { class: "soft" }, known ? make("span", {}, series.version && `version ${series.version}, `, "series ", shortened(id)) : "no series known")),
    known && strip(series),
    known && make("dl", { class: "figures" },
      figure("last record", number(series.lastSequence)),
      figure("missing", make("span", { class: series.missing > 0 ? "bad" : "" }, number(series.missing))),
      series.carriedOver > 0 && figure("written again in a newer series", number(series.carriedOver)),
      figure("waiting there", series.queue ? number(series.queue.records) : "–", series.queue?.records > 0 && ` (oldest ${duration(series.queue.oldestSeconds)})`),
      !superseded && figure("silent for", series.silentSeconds === null ? "ever" : duration(series.silentSeconds)),
      superseded ? figure("last heard of", time(series.lastStatus)) : figure("last seen", time(series.lastSeen)),
      figure("complete since", series.completeSince ? time(series.completeSince) : "–"),
      series.refused > 0 && figure("refused messages", make("span", { class: "bad" }, number(series.refused)))),
    series.alarms.length > 0 && make("ul", { class: "reasons bad", data: { part: "alarms" } }, series.alarms.map((alarm) => make("li", {}, `✕ ${alarm}`))),
    series.retired && make("p", { class: "soft", data: { part: "retired" } }, "Retired, and not waited for: ", series.retired.reason),
    series.waiting.length > 0 && make("p", { class: "bad", data: { part: "waiting" } },
      `Refused: a key that is not enrolled, ${series.waiting.map(({ key, count }) => `${shortened(key)} (${number(count)} messages)`).join(", ")}. See lotline-manufacturing station list.`),
    series.why.length > 0 && make("ul", { class: "reasons", data: { part: "why" } }, series.why.map((why) => make("li", {}, spoken(why)))),
    superseded && !series.complete && make("p", { data: { part: "ends" } }, "It stays so until a person writes this series off; until then a list as of now is not complete."),
    series.holes.length > 3 && make("details", {}, make("summary", {}, "All missing records"),
      make("p", { class: "mono" }, series.holes.map(([first, last]) => (first === last ? first : `${first}–${last}`)).join(", "),
        series.holes.length >= 100 && " … the first hundred stretches")));
}
