"use strict";
// A timer for each phase of the debrief, worked by keyboard; and a wheel for whoever has to begin.
(() => {
  document.querySelectorAll(".script").forEach((element) => { element.hidden = false; });
  const phases = [...document.querySelectorAll(".phase")].map((root) => {
    const whole = Number(root.dataset.seconds);
    return { root, whole, left: whole, since: null };
  });
  let current = 0;

  const left = (phase) => phase.left - (phase.since === null ? 0 : (performance.now() - phase.since) / 1000);
  const paint = (phase) => {
    const seconds = Math.ceil(left(phase));
    const size = Math.abs(seconds);
    const text = `${seconds < 0 ? "+" : ""}${Math.floor(size / 60)}:${String(size % 60).padStart(2, "0")}`;
    const label = phase.root.querySelector(".left");
    label.textContent = text;
    label.classList.toggle("over", seconds <= 0);
    phase.root.querySelector(".timer .track i").style.width = `${Math.max(0, Math.min(1, left(phase) / phase.whole)) * 100}%`;
    phase.root.querySelector(".run").textContent = phase.since === null ? "Start" : "Stop";
  };
  const stop = (phase) => {
    phase.left = left(phase);
    phase.since = null;
    paint(phase);
  };
  const toggle = (phase) => {
    if (phase.since !== null) return stop(phase);
    phases.filter((other) => other !== phase && other.since !== null).forEach(stop);
    phase.since = performance.now();
    paint(phase);
  };
  const again = (phase) => {
    phase.left = phase.whole;
    if (phase.since !== null) phase.since = performance.now();
    paint(phase);
  };
  const goTo = (place) => {
    current = Math.max(0, Math.min(phases.length - 1, place));
    phases.forEach((phase, i) => phase.root.classList.toggle("current", i === current));
  };
  const walk = (place) => {
    phases.filter((phase) => phase.since !== null).forEach(stop);
    goTo(place);
    phases[current].root.focus();
    phases[current].root.scrollIntoView({ block: "nearest" });
  };
  phases.forEach((phase, i) => {
    phase.root.querySelector(".run").addEventListener("click", () => { goTo(i); toggle(phase); });
    phase.root.querySelector(".again").addEventListener("click", () => again(phase));
    paint(phase);
  });
  goTo(0);
  setInterval(() => phases.filter((phase) => phase.since !== null).forEach(paint), 250);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement) return;
    if (event.key === " ") toggle(phases[current]);
    else if (event.key === "n") walk(current + 1);
    else if (event.key === "p") walk(current - 1);
    else if (event.key === "r") again(phases[current]);
    else return;
    event.preventDefault();
  });

  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("spin").addEventListener("click", () => {
    const names = document.getElementById("names").value.split(",").map((name) => name.trim()).filter(Boolean);
    const chosen = document.getElementById("chosen");
    if (names.length === 0) { chosen.textContent = "nobody there"; return; }
    const last = Math.floor(Math.random() * names.length) + names.length * 3;
    let place = still ? last : 0;
    const turn = () => {
      chosen.textContent = place < last ? names[place % names.length] : `${names[last % names.length]} it is`;
      if (place < last) { place += 1; setTimeout(turn, 30 + 250 * (place / last) ** 3); }
    };
    turn();
  });
})();
