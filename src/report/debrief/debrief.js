"use strict";
// The slider moves both drawings of a turning point in time; `f` shows one of them at a time, and the other.
(() => {
  const turns = [...document.querySelectorAll(".turn")];
  document.querySelectorAll(".script").forEach((element) => { element.hidden = false; });
  let current = turns[0];

  const set = (root, selector, apply) => root.querySelectorAll(selector).forEach(apply);
  const paint = (svg, side, happening) => {
    svg.setAttribute("aria-label", side.text);
    const middle = 162;
    set(svg, ".flow.new", (line) => {
      line.setAttribute("stroke-width", side.new_width);
      const x = middle - side.again_width / 2;
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    });
    if (happening) {
      set(svg, ".flow.again", (line) => {
        line.setAttribute("stroke-width", side.again_width);
        const x = middle + side.new_width / 2 + 2;
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
      });
      set(svg, ".loop path", (path) => path.setAttribute("stroke-width", side.again_width / 3));
      set(svg, ".again-text", (text) => { text.textContent = side.again; });
      set(svg, ".again-note", (text) => { text.textContent = side.again ? "again" : ""; });
    }
    svg.querySelectorAll(".row").forEach((row, i) => {
      const [main, beside, filled, state] = side.rows[i];
      row.setAttribute("class", `row ${state}`);
      row.querySelector(".main").textContent = main;
      row.querySelector(".beside").textContent = beside;
      row.querySelector(".fill").setAttribute("width", filled);
    });
  };

  const flip = (turn) => {
    // Both, then what was seen, then what was happening, then that and the other in turn.
    const next = turn.dataset.side === "seen" ? "happening" : "seen";
    turn.dataset.side = next;
    turn.querySelector(".flip").setAttribute("aria-pressed", String(next === "happening"));
  };

  for (const turn of turns) {
    const frames = JSON.parse(turn.querySelector("script").textContent);
    const slider = turn.querySelector("input");
    const output = turn.querySelector("output");
    const maps = [...turn.querySelectorAll(".map")];
    slider.addEventListener("input", () => {
      const frame = frames[Number(slider.value)];
      output.textContent = frame.time;
      slider.setAttribute("aria-valuetext", frame.time);
      maps.forEach((svg, i) => paint(svg, frame.sides[i], i === 1));
    });
    turn.querySelector(".flip").addEventListener("click", () => flip(turn));
    const here = () => { current = turn; };
    turn.addEventListener("focusin", here);
    turn.addEventListener("pointerenter", here);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || turns.length === 0) return;
    const number = Number(event.key);
    if (event.key === "f") {
      flip(current);
    } else if (number >= 1 && number <= turns.length) {
      current = turns[number - 1];
      current.scrollIntoView();
      current.querySelector("input").focus({ preventScroll: true });
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && document.activeElement === document.body) {
      const slider = current.querySelector("input");
      if (event.key === "ArrowLeft") slider.stepDown(); else slider.stepUp();
      slider.dispatchEvent(new Event("input"));
    } else {
      return;
    }
    event.preventDefault();
  });
})();
