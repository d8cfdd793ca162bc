// Presses that decide something. What has just appeared under a finger takes none: it was meant for what stood there before.
// What was decided takes no second one until the station says what became of it.

const UNREAD = 600; // ms

// Guards what has `data-decides` in this box.
export function guard(box) {
  let shown;
  let ready = 0;
  let began = 0;
  let locked = false;
  let timer = 0;

  const draw = () => (box.dataset.presses = !locked && performance.now() >= ready ? "yes" : "no");
  const fresh = () => {
    ready = performance.now() + UNREAD;
    clearTimeout(timer);
    timer = setTimeout(draw, UNREAD + 1);
    draw();
  };

  box.addEventListener("pointerdown", (event) => (began = event.timeStamp), true);
  box.addEventListener("click", (event) => {
    if (!event.target.closest("[data-decides]")) return;
    // A press counts from when the finger came down; a key has no such time.
    const from = event.detail > 0 ? began : event.timeStamp;
    if (!locked && from >= ready) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  return {
    fresh,
    // `question` stands in the box from now on.
    show: (question) => {
      if (question === shown) return;
      shown = question;
      fresh();
    },
    lock: (is) => {
      locked = is;
      draw();
    },
  };
}
