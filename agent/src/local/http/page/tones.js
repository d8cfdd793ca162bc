// Tones: each outcome has its own rhythm and pitch, so that it is told apart in noise. Browsers give no sound before the
// first touch; the button says so.

const MUTED = "lotline-muted";

const TUNES = {
  // [start in s, length in s, hertz, shape]
  accepted: [[0, 0.1, 1320, "sine"]],
  done: [[0, 0.09, 660, "sine"], [0.12, 0.14, 880, "sine"]],
  known: [[0, 0.1, 1320, "sine"], [0.14, 0.1, 880, "sine"], [0.28, 0.1, 880, "sine"]],
  refused: [[0, 0.22, 196, "square"], [0.3, 0.22, 196, "square"], [0.6, 0.34, 156, "square"]],
  look: [[0, 0.16, 523, "triangle"], [0.2, 0.16, 392, "triangle"], [0.4, 0.16, 523, "triangle"], [0.6, 0.24, 392, "triangle"]],
};

let context = null;
let muted = localStorage.getItem(MUTED) === "yes";
const button = document.getElementById("sound");

export function play(name) {
  show();
  if (muted || !context || context.state !== "running") return;
  for (const [start, length, hertz, shape] of TUNES[name] ?? []) {
    const at = context.currentTime + start;
    const oscillator = context.createOscillator();
    const volume = context.createGain();
    oscillator.type = shape;
    oscillator.frequency.value = hertz;
    // Short ramps: a hard edge clicks.
    const loud = shape === "square" ? 0.25 : 0.5;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(loud, at + 0.008);
    volume.gain.setValueAtTime(loud, at + length - 0.02);
    volume.gain.linearRampToValueAtTime(0, at + length);
    oscillator.connect(volume).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + length + 0.02);
  }
}

export function begin() {
  button.addEventListener("click", () => {
    // The first touch may be this button itself: then it only wakes the sound.
    if (button.dataset.state !== "waiting") {
      muted = !muted;
      localStorage.setItem(MUTED, muted ? "yes" : "no");
    }
    wake();
    if (!muted) play("accepted");
  });
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, wake);
  // In a kiosk that allows sound at once there is nothing to wait for.
  wake();
}

function wake() {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume().then(show, show);
    context.onstatechange = show;
  } catch {
    context = null;
  }
  // After the click that may have woken it.
  setTimeout(show, 0);
}

function show() {
  const running = context?.state === "running";
  button.dataset.state = muted ? "off" : running ? "on" : "waiting";
  button.textContent = muted ? "Sound is off" : running ? "Sound on" : "Touch for sound";
}
