// A list that leaves the screen: as a file, as a link, on paper.

import { query } from "./api.js";
import { announce, local, make, number, put, units } from "./dom.js";

/** Rows on paper; the downloads always have all. */
export const PRINTED = 5000;

const named = (question, ending) => `recall-${(question.serial ?? question.value ?? "").replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 60)}${ending}`;

export function actions(question) {
  const link = (properties, format, ending, words) => make("a", {
    ...properties, class: "button", href: `/v1/recall${query({ ...question, ...format })}`, download: named(question, ending),
  }, words);
  const copy = make("button", { type: "button", id: "copy-link" }, "Copy link");
  copy.addEventListener("click", async () => {
    copy.textContent = (await copied(location.href)) ? "✓ Copied" : "Copy it from the address line";
    announce(copy.textContent);
    setTimeout(() => { copy.textContent = "Copy link"; }, 3000);
  });
  return make("p", { class: "actions" },
    // Until the end has said otherwise, the list is not complete.
    link({ id: "download-csv" }, { format: "csv", for: "spreadsheet" }, "-INCOMPLETE.csv", "CSV"),
    link({ id: "download-ndjson" }, { format: "ndjson" }, ".ndjson", "NDJSON"), copy,
    make("button", { type: "button", id: "print", on: { click: () => print() } }, "Print"));
}

/** The list has turned out to be complete: the name of the file no longer says otherwise. */
export function isComplete(head, question) {
  head.querySelector("#download-csv").download = named(question, ".csv");
}

/** Puts a text on the clipboard; also where a page without TLS may not use the newer way. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { class: "away" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** On paper stands the whole list, or that it does not. `before` and `after` make the rows for paper and for the screen. */
export function onPaper(article, list, signal, before, after) {
  const note = make("p", { id: "printed", class: "on-paper" });
  article.prepend(note);
  addEventListener("beforeprint", () => {
    before();
    const all = list.units.length >= list.count;
    put(note, `Lotline recall, printed ${local(new Date().toISOString())}, asked ${local(list.started.toISOString())}, ${location.href}`,
      !all && make("b", {}, ` THIS PRINT IS NOT THE WHOLE LIST: ${number(list.units.length)} of ${units(list.count)}; use the download.`));
  }, { signal });
  addEventListener("afterprint", after, { signal });
}
