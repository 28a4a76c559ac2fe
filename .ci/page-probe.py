"""Wraps a page of a game day so that a browser tests it: frames of 1280 and 390 px, timers by keyboard where there are any."""

import json
import sys

PROBE = """<!doctype html><meta charset="utf-8"><title>probe</title><pre id="told">nothing yet</pre><script>
const page = PAGE;
const told = [];
const say = (ok, what) => told.push((ok ? "ok " : "WRONG ") + what);
const load = (width) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.width = width;
  frame.height = 900;
  frame.srcdoc = page;
  frame.onload = () => done(frame);
  document.body.append(frame);
});
const press = (frame, key) => frame.contentDocument.body
  .dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  for (const width of [1280, 390]) {
    const frame = await load(width);
    const document_ = frame.contentDocument;
    const root = document_.documentElement;
    say(root.scrollWidth <= width, `${width} px wide: content of ${root.scrollWidth} px`);
    const cut = (e) => e.closest(".scroll") || (e.closest(".lead-bar") && !e.classList.contains("lead-bar")) || e.closest("svg");
    const beyond = [...document_.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > width + 0.5 && !cut(e));
    say(beyond.length === 0, `${width} px wide: ${beyond.length} elements beyond the edge ${beyond.slice(0, 9).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`)}`);
    const small = [...document_.querySelectorAll("main p, main li, main span, main td")].filter((e) => e.textContent.trim() && parseFloat(frame.contentWindow.getComputedStyle(e).fontSize) < 13);
    say(small.length === 0, `${small.length} texts below 13 px`);
    const unnamed = [...document_.querySelectorAll("[role=img], [role=timer], input, button")].filter((e) => !(e.getAttribute("aria-label") || (e.id && document_.querySelector(`label[for=${e.id}]`)) || e.closest("label") || e.textContent.trim()));
    say(unnamed.length === 0, `${unnamed.length} drawings or controls without a name`);
    const phases = [...document_.querySelectorAll(".phase")];
    if (phases.length) {
      say(phases.length === 4, `${phases.length} phases`);
      const left = (i) => phases[i].querySelector(".left").textContent;
      const before = left(0);
      press(frame, " ");
      await wait(1600);
      say(left(0) !== before, `Space starts the first timer: ${before} to ${left(0)}`);
      press(frame, "n");
      const stood = left(0);
      say(phases[1].classList.contains("current") && phases[1].querySelector(".run").textContent === "Start", "n goes on, and the timer before it stands");
      press(frame, "p");
      press(frame, "r");
      say(left(0) === before && stood !== before, "p goes back, r begins again");
    }
    const lanes = document_.querySelectorAll(".lane");
    if (!phases.length) say(lanes.length === LANES, `${lanes.length} lanes`);
  }
  document.getElementById("told").textContent = told.join("\\n");
  document.querySelectorAll("iframe").forEach((f) => f.remove());
})().catch((error) => { document.getElementById("told").textContent = "WRONG " + error; });
</script>
"""

page = json.dumps(open(sys.argv[1], encoding="utf-8").read()).replace("<", "\\u003c")
lanes = sys.argv[2] if len(sys.argv) > 2 else "0"
print(PROBE.replace("LANES", lanes).replace("PAGE", page, 1))
