// What a series of a station is called and how it is connected.

import { make } from "./dom.js";

/** Whether the station has a connection; of a series that another one has followed, that it is the earlier one. */
export function online({ online: is, superseded }) {
  if (superseded) return make("span", { class: "pill warn", data: { part: "earlier" } }, "earlier series");
  if (is === null) return make("span", { class: "pill", data: { part: "online" } }, "connection unknown");
  return make("span", { class: `pill ${is ? "good" : "bad"}`, data: { part: "online", online: is } }, is ? "● online" : "○ offline");
}
