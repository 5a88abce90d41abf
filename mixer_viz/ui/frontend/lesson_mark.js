// Brings what a step of a lesson means into view: pages are long, and on a phone the text stands above the page.

const LAST_STEP = "mixerVizLessonStep"; // on the window: the step whose thing was looked for last
const PATIENCE = 20000; // ms until which a page is expected to be drawn
const HEADER = 60; // px of the window that the app's own header covers
const GAP = 8; // px above what is scrolled to the top of the panel
const OWN_WAY = ["wheel", "touchstart", "pointerdown", "keydown"]; // who does that looks at something already

const isRunning = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
const thingOf = (marks) => marks.map((key) => document.querySelector(`.st-key-${CSS.escape(key)}`)).find(Boolean);

function bringIntoView(thing) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const fits = thing.getBoundingClientRect().height < 0.8 * window.innerHeight;
  thing.scrollIntoView({ behavior: still ? "auto" : "smooth", block: fits ? "center" : "start" });
}

function isInView(thing) {
  const { top, bottom, height } = thing.getBoundingClientRect();
  return top >= HEADER && (bottom <= window.innerHeight || (height > window.innerHeight && top < window.innerHeight / 3));
}

/** A signal that ends when the reader scrolls, clicks or types, and after a while by itself. */
function untilOwnWay() {
  const left = new AbortController();
  const leave = () => left.abort();
  setTimeout(leave, PATIENCE);
  // Not at once: the event that is handled now is on its way to the window.
  setTimeout(() => OWN_WAY.forEach((kind) => addEventListener(kind, leave, { signal: left.signal, passive: true })));
  return left.signal;
}

/** Once it is drawn, and once again where what is drawn later moves it away. */
function showThing(marks) {
  const left = untilOwnWay();
  let times = 2;
  const look = () => {
    const thing = thingOf(marks);
    if (left.aborted || !times) return;
    if (thing && !isRunning() && !isInView(thing)) {
      bringIntoView(thing);
      times -= 1;
    }
    setTimeout(look, 800); // longer than the page moves
  };
  setTimeout(look, 300); // a run begins with the message that brought this step, and another may follow it
}

/** A step begins with its title, wherever the one before was left; on a phone the panel is a part of the page. */
function showStart(isBeside) {
  const panel = document.querySelector(".st-key-lesson_panel");
  if (!panel) return;
  panel.scrollTop = 0;
  if (!isBeside && panel.getBoundingClientRect().top < HEADER) panel.scrollIntoView({ block: "start" });
}

/** What is said to an answer stands below it, where the panel may end. */
function showWords(event) {
  const isAnswer = event.type === "click" ? ".st-key-lesson_check button" : ".st-key-lesson_task input[type=text]";
  if (!event.target.closest?.(isAnswer) || (event.type === "keydown" && event.key !== "Enter")) return;
  const panel = document.querySelector(".st-key-lesson_panel");
  const show = () => {
    const said = document.querySelector(".st-key-lesson_said");
    said?.scrollIntoView({ block: "nearest" });
    // At the end of a lesson more follows below the buttons: as much of it as the panel holds.
    if (said && document.querySelector(".st-key-lesson_found"))
      panel.scrollTop += said.getBoundingClientRect().top - panel.getBoundingClientRect().top - GAP;
  };
  const observer = new MutationObserver(show);
  observer.observe(panel, { childList: true, subtree: true, characterData: true });
  untilOwnWay().addEventListener("abort", () => observer.disconnect());
}

/** On a phone the text is far above the thing: while it is out of sight, a button leads back to it. */
function watchReturn(button) {
  const panel = document.querySelector(".st-key-lesson_panel");
  if (!panel) return () => {};
  const observer = new IntersectionObserver(([entry]) => {
    button.hidden = entry.isIntersecting;
  });
  observer.observe(panel);
  button.onclick = () => {
    const question = document.querySelector(".st-key-lesson_task");
    if (question) bringIntoView(question);
    else panel.scrollIntoView({ block: "end" });
  };
  return () => observer.disconnect();
}

export default function ({ data, parentElement }) {
  const [button, back] = parentElement.querySelectorAll("button");
  button.textContent = data.label;
  back.textContent = data.back;
  button.onclick = () => {
    const thing = thingOf(data.marks);
    if (thing) bringIntoView(thing);
  };
  const unwatch = watchReturn(back);
  const isBeside = window.matchMedia("(min-width: 851px)").matches; // else the text itself would be scrolled away
  if (window[LAST_STEP] !== data.step) {
    if (isBeside) showThing(data.marks);
    showStart(isBeside);
  }
  window[LAST_STEP] = data.step;
  const toStep = (event) => event.target.closest?.(".st-key-lesson_back button") && showStart(isBeside);
  document.addEventListener("click", toStep);
  for (const kind of ["click", "keydown"]) document.addEventListener(kind, showWords);
  return () => {
    button.onclick = back.onclick = null;
    unwatch();
    document.removeEventListener("click", toStep);
    for (const kind of ["click", "keydown"]) document.removeEventListener(kind, showWords);
  };
}
