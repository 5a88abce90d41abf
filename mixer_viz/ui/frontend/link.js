// Copies the address of what is seen, and keeps the browser's history tidy: Streamlit makes an entry each time that the
// server corrects the address, so that Back would pass through half-written ones. Here a page makes one entry, and
// another view or part of it one more; every other change of the address replaces the entry that is there. A busy browser
// hears what the next page writes into the address before it has left the last one: that waits for the next page's entry.

const OWN = /&lesson_progress=[^&#]*|lesson_progress=[^&#]*&?/; // how far somebody is in the lessons, not to be copied
const ENTRIES = ["view", "part", "learn_part"]; // fields whose change is a step that Back undoes
const LEAVING_MS = 10000; // a page that has not come by then does not come

function keepHistory() {
  if (window.mixerVizHistory) return;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  const clicks = (window.mixerVizHistory = { field: null, leaving: null, held: null });
  const arrive = () => {
    clearTimeout(clicks.leaving);
    const held = clicks.held;
    clicks.leaving = clicks.held = null;
    return held;
  };
  const leave = (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || link.target === "_blank") return;
    if (link.origin !== location.origin || link.pathname === location.pathname) return;
    clearTimeout(clicks.leaving);
    clicks.leaving = setTimeout(() => {
      const held = arrive();
      if (held !== null) replace({}, "", location.pathname + held);
    }, LEAVING_MS);
  };
  const note = (event) => {
    clicks.field = ENTRIES.find((field) => event.target.closest?.(`.st-key-${field}`)) ?? clicks.field;
  };
  window.addEventListener("pointerdown", note, true);
  window.addEventListener("keydown", note, true);
  window.addEventListener("click", leave, true);
  window.addEventListener("popstate", () => (arrive(), (clicks.field = null)), true);
  const write = (keep) => (state, unused, address) => {
    const [now, next] = [new URL(location.href), new URL(address ?? location.href, location.href)];
    const field = clicks.field;
    const steps = [now, next].map((each) => each.searchParams.get("step"));
    if (now.pathname !== next.pathname) {
      clicks.field = null;
      const held = arrive();
      return keep(state, unused, held === null ? address : next.pathname + held);
    }
    if (clicks.leaving !== null) return void (clicks.held = next.search);
    if (steps[0] && steps[1] && steps[0] !== steps[1]) return push(state, unused, address); // of a lesson
    if (!field || now.searchParams.get(field) === next.searchParams.get(field)) return replace(state, unused, address);
    clicks.field = null;
    return push(state, unused, address);
  };
  history.pushState = write(push);
  history.replaceState = write(replace);
}

// Where the page is not served over HTTPS, browsers have no clipboard for it; selected text can be copied all the same.
async function copy(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = root.querySelector("input");
    field.hidden = false;
    field.value = text;
    field.select();
    const done = document.execCommand("copy");
    field.hidden = done;
    return done;
  }
}

export default function ({ data, parentElement }) {
  keepHistory();
  document.documentElement.lang = data.lang;
  const [button, said] = [parentElement.querySelector("button"), parentElement.querySelector("span")];
  let timer = null;
  button.textContent = data.words.copy;
  parentElement.querySelector("input").ariaLabel = data.words.label;
  button.onclick = async () => {
    const done = await copy(location.href.replace(OWN, ""), parentElement);
    said.textContent = done ? `${data.words.copied} ${data.note}` : data.words.by_hand;
    clearTimeout(timer);
    if (done) timer = setTimeout(() => (said.textContent = ""), data.note ? 6000 : 2000);
  };
  return () => clearTimeout(timer);
}
