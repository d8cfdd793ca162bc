// A history as a line from the oldest to the newest.

import { make, number, peek, shortened, time } from "./dom.js";
import { deviceLink, groupLink } from "./links.js";
import { remarks, sentence } from "./words.js";

/** A thing within a sentence: a link where there is something to see. */
function part(piece) {
  if (typeof piece === "string") return piece;
  if (piece.record) return make("span", {}, "record ", identity(piece.record));
  const name = make("span", { class: "mono" }, piece.id);
  const href = piece.device ? deviceLink(piece.device.serial, piece.device.scope)
    : piece.dimension ? groupLink(piece.dimension, piece.id) : null;
  return make("span", {}, piece.word && `${piece.word} `, href ? make("a", { href }, name) : name);
}

/** Station, series and sequence: the identity of a record everywhere. */
function identity({ station, series, seq }) {
  if (series === undefined) return "?";
  return peek(`${station} · ${series.slice(0, 8)}… · ${number(seq)}`, `${station} / ${series} / ${seq}`, { class: "mono" });
}

const TRUST = {
  projected: ["clock not synchronised: projected from the same boot", (earliest, latest) => [time(middle(earliest, latest))]],
  bounded: ["clock not synchronised: only between these times", (earliest, latest) => [time(earliest), " to ", time(latest)]],
  contradictory: ["what is known of the clock contradicts itself", (earliest, latest) => [time(earliest), " to ", time(latest)]],
};

const middle = (earliest, latest) => new Date((Date.parse(earliest) + Date.parse(latest)) / 2).toISOString();

/** When it happened: by its own clock, where that was synchronised, else as far as other records know. */
function when({ at, happened }, free) {
  if (!at) return ["time unknown"];
  const known = TRUST[happened?.trust];
  if (!known) return [time(at.wall), !at.synchronised && !free && unsynchronised(" ! clock not synchronised")];
  const [words, shown] = known;
  const { earliest, latest, trust } = happened;
  // What the clock showed is the best there is, where it can be.
  if (trust === "bounded" && Date.parse(earliest) <= Date.parse(at.wall) && Date.parse(at.wall) <= Date.parse(latest)) {
    return [time(at.wall), !free && unsynchronised(" ! clock not synchronised", trust)];
  }
  return [...shown(earliest, latest), unsynchronised(` ! ${words}`, trust)];
}

const unsynchronised = (words, trust) => make("span", { class: "warn", data: { clock: "free", trust } }, words);

function entry(record, levels, contested, free) {
  const marks = [
    record.into?.some(({ id }) => contested.has(id)) && !record.corrected && make("span", { class: "pill warn" }, "! contested: another record says another place"),
    record.corrected && make("span", { class: "pill bad" }, "✕ corrected: was never true"),
    record.nonconforming && make("span", { class: "pill warn" }, "! not as the schema says"),
    record.former && make("span", { class: "pill" }, "written again after a fork"),
  ].filter(Boolean);
  const { chips, digests } = remarks(record);
  return make("li", { class: record.corrected ? "event corrected" : "event", data: { event: record.event ?? "unreadable", seq: record.seq } },
    make("div", { class: "when" }, when(record, free)),
    make("div", { class: "what" },
      make("p", { class: "sentence" }, sentence(record, levels).map(part), record.reason && `, reason: ${record.reason}`),
      marks.length > 0 && make("p", { class: "marks" }, marks),
      chips.length > 0 && make("ul", { class: "chips" }, chips.map(([name, value]) =>
        make("li", {}, name && make("span", { class: "soft" }, `${name} `), value.length > 40 ? shortened(value) : value))),
      digests.length > 0 && make("details", { class: "digests" }, make("summary", {}, "SHA-256 of what was printed"),
        make("dl", {}, digests.map(([name, value]) => make("div", {}, make("dt", { class: "soft" }, name), make("dd", { class: "mono" }, value))))),
      record.line !== undefined && make("pre", { class: "line" }, record.line)),
    make("div", { class: "who" }, identity(record), record.lane && make("span", { class: "soft" }, ` lane ${record.lane}`)));
}

/** The records of a history, oldest first, below what holds for all of them. `contested`: containers of which only one can be the place of the unit. */
export function timeline(records, contested = new Set()) {
  const joined = records.flatMap((record) => [...(record.into ?? []), ...(record.from ?? [])]);
  const levels = new Map(joined.filter(({ level }) => level).map(({ id, level }) => [id, level]));
  // What holds for all of them is said once.
  const free = records.length > 1 && records.every(({ at }) => at && !at.synchronised);
  return [
    free && make("p", { class: "warn", data: { clock: "free" } }, "! The clock was not synchronised at any of these records: their times may be wrong."),
    make("ol", { class: "timeline" }, records.map((record) => entry(record, levels, contested, free))),
  ];
}
