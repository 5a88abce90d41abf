// Brings what a step of a lesson means into view: pages are long, and on a phone the text stands above the page.

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = () => {
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const things = data.marks.map((key) => document.querySelector(`.st-key-${CSS.escape(key)}`));
    things.find((thing) => thing)?.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "center" });
  };
  return () => (button.onclick = null);
}
