// A wedge scanner types wherever the focus is: whatever comes faster than a hand types and ends in Enter or Tab is a
// scan. What becomes of it the page says (`Burst.take`): console.js looks for it, scan.js packs it. For Chrome 80.
"use strict";

window.Burst = (function () {
  const FAST = 40; // milliseconds: no hand types so quickly
  const SHORTEST = 4;
  const prefix = document.body.dataset.prefix || "";
  let text = "", last = 0, before = null;
  const field = (target) => target && target.matches && target.matches("input, textarea, select") ? target : null;

  const Burst = {
    FAST,
    take: null, // (event, text, field): the Enter or Tab, what came quickly before it, the field in which that began
    fits: (code) => code.length >= SHORTEST && code.startsWith(prefix),
    bare: (code) => code.startsWith(prefix) ? code.slice(prefix.length) : code,
    among: () => text.length > 1, // a key that came quickly after another
    long: () => text.length >= SHORTEST,
    forget: () => { text = ""; },
    // It was not meant for the field that it fell into.
    putBack: (kept) => { if (before && before.field !== kept) before.field.value = before.value; },
  };

  document.addEventListener("keydown", (event) => {
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === "Tab") {
      const code = gap < FAST ? text : "";
      text = "";
      if (Burst.take) Burst.take(event, code, before && before.field);
      return;
    }
    if (event.key.length !== 1) return;
    if (gap >= FAST || !text) {
      text = "";
      const target = field(event.target);
      before = target ? { field: target, value: target.value } : null;
    }
    text += event.key;
  }, true);
  return Burst;
})();
