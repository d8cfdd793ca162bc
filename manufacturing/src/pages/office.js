// What is shown follows from the address alone, so that a link to an answer can be sent.

import { Failure } from "./api.js";
import { announce, byId, make, put } from "./dom.js";
import { device } from "./device.js";
import { home } from "./home.js";
import { recall } from "./recall.js";
import { search } from "./search.js";
import { stations } from "./stations.js";

const VIEWS = { "": home, search, device, recall, stations };

/** The address behind the `#`: `{name, id, parameters}`. */
function route() {
  const [path, rest] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name, ...parts] = path.split("/");
  let id;
  try {
    id = decodeURIComponent(parts.join("/"));
  } catch {
    id = parts.join("/");
  }
  return { name, id, parameters: Object.fromEntries(new URLSearchParams(rest ?? "")) };
}

let leave = new AbortController();

async function show() {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const at = route();
  const view = Object.hasOwn(VIEWS, at.name) ? VIEWS[at.name] : nowhere;
  const name = at.name || "home";
  document.body.dataset.view = name;
  document.title = "Lotline";
  for (const link of document.querySelectorAll("[data-nav]")) {
    if (link.dataset.nav === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  announce("");
  const place = byId("view");
  put(place, make("p", { id: "loading", class: "loading" }, "Asking the service …"));
  scrollTo(0, 0);
  try {
    await view(place, at, signal);
  } catch (error) {
    if (signal.aborted) return;
    put(place, failed(error));
    announce(error.message);
  }
}

function failed(error) {
  const reached = error instanceof Failure && error.kind === "problem";
  const help = reached ? error.help : "Check the network and that lotline-manufacturing serve runs, then try again.";
  return make("section", { id: "failure", class: "card failure", data: { kind: error.kind ?? "fault", code: error.code ?? "" } },
    make("h1", { class: "bad" }, reached ? "This could not be answered" : "The service does not answer"),
    (reached || error.kind !== "unreachable") && make("p", {}, error.message),
    help && make("p", { class: "soft" }, help),
    make("button", { id: "retry", class: "first", type: "button", on: { click: show } }, "Try again"));
}

function nowhere(place) {
  put(place, make("section", { id: "failure", class: "card failure" },
    make("h1", {}, "There is no such page"),
    make("p", {}, make("a", { href: "#/" }, "Go to the first page"))));
}

function start() {
  const field = byId("search");
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = field.value.toWellFormed();
    field.focus();
    field.select();
    if (asked === "") return announce("Type or scan something first.");
    const to = `#/search?${new URLSearchParams({ q: asked })}`;
    if (location.hash === to) show();
    else location.hash = to;
  });
  // A scanner types: what comes while nothing else takes it belongs into the field, wherever the focus was.
  document.addEventListener("keydown", (event) => {
    const taken = event.target.matches?.("input, select, textarea");
    if (taken || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
    field.focus();
    field.select();
  });
  addEventListener("hashchange", show);
  field.focus();
  show();
}

start();
