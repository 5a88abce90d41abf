// Copies the address of what is seen, and keeps the browser's history tidy: Streamlit makes an entry each time that the
// server corrects the address, so that Back would pass through half-written ones. Here a page makes one entry, and
// another view or part of it one more; every other change of the address replaces the entry that is there.

const ENTRIES = ["view", "part", "learn_part"]; // fields whose change is a step that Back undoes

function keepHistory() {
  if (window.mixerVizHistory) return;
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  const clicks = (window.mixerVizHistory = { field: null });
  const note = (event) => {
    clicks.field = ENTRIES.find((field) => event.target.closest?.(`.st-key-${field}`)) ?? clicks.field;
  };
  window.addEventListener("pointerdown", note, true);
  window.addEventListener("keydown", note, true);
  window.addEventListener("popstate", () => (clicks.field = null), true);
  const write = (keep) => (state, unused, address) => {
    const [now, next] = [new URL(location.href), new URL(address ?? location.href, location.href)];
    const field = clicks.field;
    const steps = [now, next].map((each) => each.searchParams.get("step"));
    if (now.pathname !== next.pathname) {
      clicks.field = null;
      return keep(state, unused, address);
    }
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
  const [button, said] = [parentElement.querySelector("button"), parentElement.querySelector("span")];
  let timer = null;
  button.onclick = async () => {
    const done = await copy(location.href, parentElement);
    said.textContent = done ? `Copied. ${data.note}` : "Copy it from here:";
    clearTimeout(timer);
    if (done) timer = setTimeout(() => (said.textContent = ""), data.note ? 6000 : 2000);
  };
  return () => clearTimeout(timer);
}
