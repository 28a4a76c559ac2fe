"""Wraps a page so that a browser tests it: frames of 1280 and 390 px, and what comes of keys and sliders as text.

Usage: page-probe.py PAGE KIND [LANES], with KIND one of debrief, hostkit, gameday, pair, comparison.
"""

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
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const all = (frame, what) => [...frame.contentDocument.querySelectorAll(what)];
const press = (frame, key) => (frame.contentDocument.activeElement ?? frame.contentDocument.body)
  .dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
// Marks are cut at their drawing's edge, and tables scroll; words must not leave the page.
const cut = (e) => e.closest(".scroll") || (e.closest(".lead-bar") && !e.classList.contains("lead-bar")) || (e.ownerSVGElement && e.tagName !== "text");
const kinds = {
  debrief: async (frame) => {
    const turns = all(frame, ".turn");
    say(turns.length >= 1 && turns.length <= 3, `${turns.length} turning points`);
    say(turns.every((t) => t.querySelectorAll("svg.map").length === 2), "each with what was seen and what was happening");
    press(frame, "f");
    say(turns[0].dataset.side === "seen", "f shows what was seen");
    press(frame, "f");
    say(turns[0].dataset.side === "happening", "f again shows what was happening");
    const last = turns[turns.length - 1];
    press(frame, String(turns.length));
    const slider = last.querySelector("input");
    say(frame.contentDocument.activeElement === slider, "a number goes to its turning point");
    const before = last.querySelector("output").textContent;
    slider.stepDown();
    slider.dispatchEvent(new frame.contentWindow.Event("input"));
    say(last.querySelector("output").textContent !== before, `the slider moves in time, from ${before}`);
  },
  hostkit: async (frame) => {
    const phases = all(frame, ".phase");
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
  },
  gameday: async (frame) => {
    const lanes = all(frame, ".lane");
    say(lanes.length === LANES, `${lanes.length} lanes`);
  },
  pair: async (frame) => {
    const panes = all(frame, ".pane");
    say(panes.length === 8, `${panes.length} panes`);
    const votes = panes.findIndex((pane) => pane.id === "vote");
    say(all(frame, ".truth, #bars").every((pane) => votes < panes.indexOf(pane)), "nothing of the truth before the vote");
    frame.contentDocument.documentElement.style.scrollBehavior = "auto";
    press(frame, "ArrowRight");
    await wait(50);
    say(Math.abs(panes[1].getBoundingClientRect().top) < 2, "an arrow goes to the next pane");
    const button = all(frame, "[data-vote]")[0];
    button.click();
    button.click();
    say(button.querySelector("output").textContent === "2", "two clicks are two votes");
    say(all(frame, ".right").length === 1 && all(frame, ".wrong").length === 1, "one right and one wrong");
    say(all(frame, ".bars").every((bars) => bars.querySelector(".servers")), "each with the bar for added servers");
  },
  comparison: async (frame) => {
    say(all(frame, ".verdict").length > 0, "a verdict in words");
    say(all(frame, "svg").length > 2, `${all(frame, "svg").length} drawings`);
    say(all(frame, ".lanes .lane").length === LANES, `${all(frame, ".lanes .lane").length} lanes of events`);
    say(all(frame, ".parity li").length > 5, "a list of what makes it fair");
  },
};
(async () => {
  for (const width of [1280, 390]) {
    const frame = await load(width);
    const root = frame.contentDocument.documentElement;
    say(root.scrollWidth <= width, `${width} px wide: content of ${root.scrollWidth} px`);
    const beyond = all(frame, "main *").filter((e) => e.getBoundingClientRect().right > width + 0.5 && !cut(e));
    say(beyond.length === 0, `${width} px wide: ${beyond.length} elements beyond the edge ${beyond.slice(0, 9).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`)}`);
    const small = all(frame, "main p, main li, main span, main td").filter((e) => e.textContent.trim() && parseFloat(frame.contentWindow.getComputedStyle(e).fontSize) < 13);
    say(small.length === 0, `${small.length} texts below 13 px`);
    const unnamed = all(frame, "[role=img], [role=timer], input, button").filter((e) => !(e.getAttribute("aria-label") || (e.id && frame.contentDocument.querySelector(`label[for=${e.id}]`)) || e.closest("label") || e.textContent.trim()));
    say(unnamed.length === 0, `${unnamed.length} drawings or controls without a name`);
    await kinds[KIND](frame);
  }
  document.getElementById("told").textContent = told.join("\\n");
  document.querySelectorAll("iframe").forEach((f) => f.remove());
})().catch((error) => { document.getElementById("told").textContent = "WRONG " + error; });
</script>
"""

page = json.dumps(open(sys.argv[1], encoding="utf-8").read()).replace("<", "\\u003c")
lanes = sys.argv[3] if len(sys.argv) > 3 else "0"
print(PROBE.replace("LANES", lanes).replace("KIND", json.dumps(sys.argv[2])).replace("PAGE", page, 1))
