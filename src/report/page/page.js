"use strict";
// One cursor for all charts; the values come from the tables that stand on the page anyway.
(() => {
  const charts = document.getElementById("charts");
  const end = Number(charts.dataset.end), bucket = Number(charts.dataset.bucket);
  const panels = [...charts.querySelectorAll(".chart")].map((chart) => ({
    plot: chart.querySelector(".plot"),
    cursor: chart.querySelector(".cursor"),
    values: [...chart.querySelectorAll(".legend .value")],
    unit: chart.querySelector(".unit")?.textContent ?? "",
    title: chart.querySelector("h3").firstChild.textContent.trim(),
    names: [...chart.querySelectorAll(".legend .name")].map((name) => name.textContent),
    rows: chart.querySelector("tbody").rows,
  }));
  const count = panels[0]?.rows.length ?? 0;
  if (count === 0 || !(bucket > 0)) return;
  const now = document.getElementById("now");
  now.hidden = false;
  now.className = "spoken";
  charts.querySelector(".script").hidden = false;
  let at = -1;

  const show = (index) => {
    at = Math.max(0, Math.min(count - 1, index));
    const middle = Math.min((at + 0.5) * bucket, end) / end;
    charts.classList.add("reading");
    for (const panel of panels) {
      panel.cursor.hidden = false;
      panel.cursor.style.left = `${middle * 100}%`;
      const cells = panel.rows[at].cells;
      panel.cursor.dataset.time = cells[0].textContent;
      panel.values.forEach((value, i) => {
        const text = cells[i + 1].textContent;
        value.textContent = text === "–" || panel.unit === "" ? text : `${text} ${panel.unit}`;
      });
    }
  };
  const rest = () => {
    at = -1;
    charts.classList.remove("reading");
    for (const panel of panels) {
      panel.cursor.hidden = true;
      panel.values.forEach((value) => { value.textContent = value.dataset.rest; });
    }
  };
  const speak = (panel) => {
    const values = panel.values.map((value, i) => `${panel.names[i]} ${value.textContent}`).join(", ");
    now.textContent = `${panel.title} until ${panel.rows[at].cells[0].textContent}: ${values}`;
  };

  for (const panel of panels) {
    panel.plot.addEventListener("pointermove", (event) => {
      const box = panel.plot.getBoundingClientRect();
      show(Math.floor(((event.clientX - box.left) / box.width) * end / bucket));
    });
    panel.plot.addEventListener("pointerleave", rest);
    panel.plot.addEventListener("blur", rest);
    panel.plot.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 10 : 1;
      const from = at < 0 ? (event.key === "ArrowLeft" ? count : -1) : at;
      const moves = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: count - 1 };
      if (event.key in moves) {
        event.preventDefault();
        show(moves[event.key]);
        speak(panel);
      } else if (event.key === "Escape") {
        rest();
      }
    });
  }
})();
