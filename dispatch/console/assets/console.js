// The counter's own script: ticks, keys, scans that are looked for. Written for Chrome 80; every page works without it.
"use strict";

(function () {
  const ticks = (form) => Array.from(form.querySelectorAll("tbody input[type=checkbox][name=id]"));

  // How many are ticked, told beside the buttons.
  const tell = (form) => {
    const told = form.querySelector("[data-picked]");
    if (!told) return;
    const all = form.querySelector("[data-all-matching]"), count = ticks(form).filter((one) => one.checked).length;
    told.hidden = !count || Boolean(all && all.checked);
    told.querySelector("b").textContent = String(count);
  };

  // On a narrow screen the filters are folded, unless some are set.
  const narrow = window.matchMedia("(max-width: 768px)");
  const fold = () => {
    document.querySelectorAll(".fold:not([data-told])").forEach((one) => { one.open = !narrow.matches; });
  };
  narrow.addEventListener("change", fold);
  fold();

  // A wide table is moved sideways by keys too, where nothing in it takes the focus.
  const reach = () => {
    document.querySelectorAll(".table-responsive:not([tabindex])").forEach((one) => {
      if (!one.querySelector("a[href], button, input, select, summary")) one.tabIndex = 0;
    });
  };
  document.addEventListener("htmx:afterSwap", reach);
  reach();

  // The keys are told below the menu, and can be turned off there: whoever speaks to the machine types by accident.
  const keys = document.getElementById("keys"), wanted = document.getElementById("keys-on");
  const on = () => {
    try { return localStorage.getItem("zhuandi-keys") !== "off"; } catch (error) { return true; }
  };
  if (keys && wanted) {
    keys.hidden = false;
    wanted.checked = on();
    wanted.addEventListener("change", () => {
      try { localStorage.setItem("zhuandi-keys", wanted.checked ? "on" : "off"); } catch (error) { /* for this page */ }
    });
  }

  // One box ticks the page; ticking a row by hand takes the box for all pages back.
  document.addEventListener("change", (event) => {
    // By its attribute: `form.id` would be the boxes of the rows, whose name is id.
    const box = event.target, form = box.form;
    if (!form || form.getAttribute("id") !== "chosen") return;
    if (box.matches("[data-all]")) ticks(form).forEach((one) => { one.checked = box.checked; });
    if (box.matches("[data-all-matching]")) {
      ticks(form).forEach((one) => { one.checked = box.checked; one.disabled = box.checked; });
    }
    tell(form);
  });

  // A scan is looked for, wherever the focus is; scan.js has a use of its own for it. A field that is meant for codes
  // (data-scan) takes it, and in any other that is written in it stays and sends nothing.
  const find = document.getElementById("find"), Burst = window.Burst;
  const WRITTEN = "textarea, input:not([type=checkbox]):not([type=radio])";
  const left = () => Array.from(document.querySelectorAll("main textarea, main input")).some(
    (one) => one.matches(WRITTEN) && !one.matches("[type=hidden], [data-scan]") && one.value !== one.defaultValue);

  // Not where nobody is signed in: what fills in a password may be as quick.
  if ("prefix" in document.body.dataset) Burst.take = (event, code, began) => {
    if (!code) return;
    const whole = Burst.fits(code), written = began && began.matches(WRITTEN), tab = event.key === "Tab";
    if (began && began.matches("[data-scan]") && whole) began.value = Burst.bare(began.value);
    if (began && began.matches("[data-scan], [type=password]")) return;
    if ((!whole && (written || tab)) || (written && tab)) return; // a hand's own
    event.preventDefault(); // a scan presses no button and sends no form
    event.stopPropagation();
    if (!whole || written) return;
    Burst.putBack(find);
    if (find) look(Burst.bare(code));
  };

  const look = (code) => {
    find.value = code;
    find.focus();
    // What is written and not sent yet would go with the page: then it is left to the clerk.
    if (left()) find.select();
    else if (find.form.reportValidity()) find.form.submit();
  };

  // A button takes the focus only now that a scan presses none: with `autofocus` one did while the scripts were fetched.
  const first = document.querySelector("[data-first]");
  if (first) first.focus();

  // Enter on a box or a choice of a list would press the first button of its form: what that does is not seen there.
  const BOXES = "#chosen input[type=checkbox], #chosen select, #planned input[type=checkbox]";
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches(BOXES)) event.preventDefault();
  });

  // What a key does waits until it is clear that it was one key, not the beginning of a scan.
  const QUIET = 200; // milliseconds
  let waiting = 0;
  document.addEventListener("keydown", () => window.clearTimeout(waiting), true);
  const alone = (act, milliseconds) => {
    // Twice: keys that came while the machine was busy are heard first.
    waiting = window.setTimeout(() => { waiting = window.setTimeout(act); }, milliseconds);
  };

  // Keys: / to the search box, j and k along the rows, x ticks, and whatever bears data-key. Off while something is typed.
  const typing = (target) => target.matches && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    if (wanted ? !wanted.checked : !on()) return;
    if (event.key === "?" && keys && !Burst.among()) {
      keys.open = !keys.open;
      keys.querySelector("summary").focus();
      return;
    }
    if (event.key === "/") {
      if (find && !Burst.among()) { find.focus(); event.preventDefault(); }
      return;
    }
    if (event.key === "j" || event.key === "k") {
      const form = document.getElementById("chosen");
      const all = form ? ticks(form) : [];
      if (!all.length) return;
      const here = all.indexOf(document.activeElement);
      const next = event.key === "j" ? Math.min(here + 1, all.length - 1) : Math.max(here - 1, 0);
      all[next].focus();
      event.preventDefault();
      return;
    }
    const keyed = Array.from(document.querySelectorAll("[data-key]")).find((one) => one.dataset.key === event.key);
    if (keyed) {
      if (!Burst.among()) alone(() => keyed.click(), QUIET);
      event.preventDefault();
      return;
    }
    const here = document.activeElement;
    if (event.key === "x" && here.matches("tbody input[name=id]")) alone(() => here.click(), Burst.FAST);
  });
})();
