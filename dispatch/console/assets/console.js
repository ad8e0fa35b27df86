// The counter's own script: ticks, keys. Written for Chrome 80; every page works without it.
"use strict";

(function () {
  const ticks = (form) => Array.from(form.querySelectorAll("tbody input[type=checkbox][name=id]"));

  // One box ticks the page; ticking a row by hand takes the box for all pages back.
  document.addEventListener("change", (event) => {
    const box = event.target, form = box.form;
    if (!form || form.getAttribute("id") !== "chosen") return;  // form.id would be its boxes named id
    if (box.matches("[data-all]")) ticks(form).forEach((one) => { one.checked = box.checked; });
    if (box.matches("[data-all-matching]")) {
      ticks(form).forEach((one) => { one.checked = box.checked; one.disabled = box.checked; });
    }
  });

  // Keys: / to the search box, j and k along the rows, x ticks, and whatever bears data-key. Off while something is typed.
  const typing = (target) => target.matches && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return;
    if (document.documentElement.dataset.keys === "off") return;
    if (event.key === "/") {
      const find = document.getElementById("find");
      if (find) { find.focus(); event.preventDefault(); }
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
      keyed.click();
      event.preventDefault();
      return;
    }
    if (event.key === "x" && document.activeElement.matches("tbody input[name=id]")) {
      document.activeElement.click();
    }
  });
})();
