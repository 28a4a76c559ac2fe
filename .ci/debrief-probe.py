"""Wraps a debrief page so that a browser tests it: frames of 1280 and 390 px, keys, and what comes of them as text."""

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
const press = (frame, key) => (frame.contentDocument.activeElement ?? frame.contentDocument.body)
  .dispatchEvent(new frame.contentWindow.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
(async () => {
  for (const width of [1280, 390]) {
    const frame = await load(width);
    const document_ = frame.contentDocument;
    const root = document_.documentElement;
    say(root.scrollWidth <= width, `${width} px wide: content of ${root.scrollWidth} px`);
    const beyond = [...document_.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > width + 0.5 && !e.closest(".scroll") && !(e.ownerSVGElement && e.tagName !== "text")); // marks are cut at their drawing's edge; words must not be
    say(beyond.length === 0, `${width} px wide: ${beyond.length} elements beyond the edge ${beyond.slice(0, 9).map((e) => `${e.tagName}: ${e.textContent}`)}`);
    const small = [...document_.querySelectorAll("main p, main li, main span, main td")].filter((e) => e.textContent.trim() && parseFloat(frame.contentWindow.getComputedStyle(e).fontSize) < 13);
    say(small.length === 0, `${small.length} texts below 13 px`);
    const turns = [...document_.querySelectorAll(".turn")];
    say(turns.length >= 1 && turns.length <= 3, `${turns.length} turning points`);
    say(turns.every((t) => t.querySelectorAll("svg.map").length === 2), "each with what was seen and what was happening");
    press(frame, "f");
    say(turns[0].dataset.side === "seen", "f shows what was seen");
    press(frame, "f");
    say(turns[0].dataset.side === "happening", "f again shows what was happening");
    const last = turns[turns.length - 1];
    press(frame, String(turns.length));
    const slider = last.querySelector("input");
    say(document_.activeElement === slider, "a number goes to its turning point");
    const before = last.querySelector("output").textContent;
    slider.stepDown();
    slider.dispatchEvent(new frame.contentWindow.Event("input"));
    say(last.querySelector("output").textContent !== before, `the slider moves in time, from ${before}`);
    const unnamed = [...document_.querySelectorAll("svg[role=img], input, button")].filter((e) => !(e.getAttribute("aria-label") || e.closest("label") || e.textContent.trim()));
    say(unnamed.length === 0, `${unnamed.length} drawings or controls without a name`);
  }
  document.getElementById("told").textContent = told.join("\\n");
  document.querySelectorAll("iframe").forEach((f) => f.remove());
})().catch((error) => { document.getElementById("told").textContent = "WRONG " + error; });
</script>
"""

page = json.dumps(open(sys.argv[1], encoding="utf-8").read()).replace("<", "\\u003c")
print(PROBE.replace("PAGE", page, 1))
