// Making elements. Data becomes text here and nowhere markup.

/**
 * An element: `make("p", {class: "soft", data: {unit: "S1"}, on: {click}}, "text", child, …)`.
 * Children that are null, undefined or false are left out.
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, to] of Object.entries(value)) element.style.setProperty(key, to);
    else element.setAttribute(name, value === true ? "" : value);
  }
  put(element, children);
  return element;
}

/** Puts children in place of what an element has; again without those that are null, undefined or false. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
}

export const byId = (id) => document.getElementById(id);

const SHORT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZoneName: "short",
});

/** A time as people of this place write it. */
export const local = (iso) => SHORT.format(new Date(iso));

/** A text that shows all of itself under the pointer and when it is tapped. */
export function peek(short, full, properties = {}) {
  const button = make("button", { type: "button", title: full, ...properties, class: `peek ${properties.class ?? ""}` }, short);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const open = button.classList.toggle("open");
    button.textContent = open ? full : short;
  });
  return button;
}

/** A time: local, with the exact one behind it. */
export function time(iso) {
  if (!iso) return make("span", { class: "soft" }, "never");
  return peek(local(iso), iso, { class: "time", data: { time: iso } });
}

/** What the service says, with the times in it as people of this place write them. */
export function spoken(text) {
  return text.split(/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/).map((part, n) => (n % 2 === 1 ? time(part) : part));
}

/** A long name, shortened in the middle. */
export function shortened(text) {
  return text.length > 12 ? peek(`${text.slice(0, 8)}…`, text, { class: "mono" }) : make("span", { class: "mono" }, text);
}

export const number = (value) => Number(value).toLocaleString("en-GB");

/** `1 unit`, `2 units`. */
export const units = (count) => `${number(count)} ${count === 1 ? "unit" : "units"}`;

/** How long ago: `17 s`, `4 min`, `3 h`, `2 days`. */
export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${number(Math.round(seconds / 86400))} days`;
}

/** A word in a coloured shape. The sign says the same to those who see no colour. */
export function pill(kind, text, properties = {}) {
  const sign = { good: "✓", bad: "✕", warn: "!" }[kind];
  return make("span", { ...properties, class: `pill ${kind}` }, sign ? `${sign} ${text}` : text);
}

export function announce(text) {
  byId("announce").textContent = text;
}
