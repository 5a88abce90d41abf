// Brings what a step of a lesson means into view: pages are long, and on a phone the text stands above the page.

const LAST_STEP = "mixerVizLessonStep"; // on the window: the step whose thing was looked for last
const PATIENCE = 20000; // ms until which a page is expected to be drawn
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
  return top >= 0 && (bottom <= window.innerHeight || (height > window.innerHeight && top < window.innerHeight / 3));
}

/** `then` once the page is drawn, unless the reader scrolls or clicks before. */
function whenDrawn(then) {
  const left = new AbortController();
  const ends = Date.now() + PATIENCE;
  const look = () => {
    if (left.signal.aborted) return;
    if (isRunning() && Date.now() < ends) return setTimeout(look, 100);
    left.abort();
    then();
  };
  for (const kind of OWN_WAY) addEventListener(kind, () => left.abort(), { signal: left.signal, passive: true });
  setTimeout(look, 300); // a run begins with the message that brought this step, and another may follow it
}

/** What is said to an answer stands below it, where the panel may end. */
function showWords(event) {
  const isAnswer = event.type === "click" ? ".st-key-lesson_check button" : ".st-key-lesson_task input[type=text]";
  if (!event.target.closest?.(isAnswer) || (event.type === "keydown" && event.key !== "Enter")) return;
  const look = () => {
    if (isRunning()) return setTimeout(look, 100);
    document.querySelector(".st-key-lesson_said")?.scrollIntoView({ block: "nearest" });
  };
  setTimeout(look, 300);
}

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = () => {
    const thing = thingOf(data.marks);
    if (thing) bringIntoView(thing);
  };
  const isBeside = window.matchMedia("(min-width: 851px)").matches; // else the text itself would be scrolled away
  if (isBeside && window[LAST_STEP] !== data.step) {
    whenDrawn(() => {
      const thing = thingOf(data.marks);
      if (thing && !isInView(thing)) bringIntoView(thing);
    });
  }
  window[LAST_STEP] = data.step;
  for (const kind of ["click", "keydown"]) document.addEventListener(kind, showWords);
  return () => {
    button.onclick = null;
    for (const kind of ["click", "keydown"]) document.removeEventListener(kind, showWords);
  };
}
