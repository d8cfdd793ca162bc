// A view that is kept fresh while it is looked at.

import { Failure } from "./api.js";
import { make, put, time } from "./dom.js";

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
