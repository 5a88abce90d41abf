// Makes the link for pupils of the address as it is at that moment: parts of a page change it without the server.

const OURS = ["t_task", "t_free", "t_hide", "lesson_progress"]; // the last is the teacher's own

function made(add) {
  const link = new URL(location.href);
  OURS.forEach((name) => link.searchParams.delete(name));
  Object.entries(add).forEach(([name, value]) => link.searchParams.set(name, value));
  return link.href;
}

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy"); // where the page is not served over HTTPS
  }
}

export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(name);
  const [field, button, open, said] = ["input", "button", "a", "span"].map(find);
  [button.textContent, open.textContent] = [data.words.copy, data.words.open];
  field.setAttribute("aria-label", data.words.link);
  const renew = () => {
    field.value = open.href = made(data.add);
  };
  renew();
  const root = find("div");
  root.onpointerenter = root.onfocusin = renew;
  let timer = null;
  button.onclick = async () => {
    renew();
    said.textContent = (await copy(field)) ? data.words.copied : data.words.by_hand;
    clearTimeout(timer);
    timer = setTimeout(() => (said.textContent = ""), 4000);
  };
  // A picture may be clicked while this is open. Streamlit calls this again with every change, and the cleaning up only
  // at the end: a clock of an earlier call would put its own link back.
  clearInterval(root.ticking);
  root.ticking = setInterval(renew, 1000);
  return () => {
    clearTimeout(timer);
    clearInterval(root.ticking);
  };
}
