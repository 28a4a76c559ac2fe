// Panes by keys, votes by clicks. Without it the page is read by scrolling.
const panes = [...document.querySelectorAll(".pane")];
const here = () => panes.findLastIndex((pane) => pane.getBoundingClientRect().top <= innerHeight / 3);
const go = (place) => panes[Math.max(0, Math.min(panes.length - 1, place))].scrollIntoView();
document.querySelectorAll(".script").forEach((part) => { part.hidden = false; });
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("button")) return;
  const step = { ArrowRight: 1, " ": 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (step) { event.preventDefault(); go(here() + step); }
});
document.querySelectorAll("[data-vote]").forEach((button) => button.addEventListener("click", () => {
  const told = button.querySelector("output");
  told.textContent = Number(told.textContent) + 1;
  button.blur();
}));
