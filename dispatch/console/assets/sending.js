// What is sent: once; a lost connection and a locked desk are told, and what was typed stays. Written for Chrome 80.
"use strict";

(function () {
  const told = document.getElementById("said");
  const byItself = (detail) => "X-Zhuandi-Poll" in detail.requestConfig.headers;

  const alert = (words) => {
    const one = document.createElement("div");
    one.className = "alert alert-danger";
    one.setAttribute("role", "alert");
    one.textContent = words;
    told.textContent = "";
    told.appendChild(one);
    told.scrollIntoView({ block: "nearest" });
  };

  // No answer came. Whether it was done nobody knows here; a page that asks by itself asks again.
  const lost = (event) => { if (!byItself(event.detail)) alert(document.body.dataset.lost); };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);

  // What somebody between us and the server says is no part of a page; what we say names the place for it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answer = event.detail.xhr;
    if (answer.status < 400) return;
    if (byItself(event.detail)) event.detail.shouldSwap = false;
    else if (answer.status >= 500 && !answer.getResponseHeader("HX-Retarget")) {
      event.detail.shouldSwap = false;
      lost(event);
    }
  });

  // Nothing is sent twice by two clicks. The focus stays where it is, so nothing is disabled; a lost answer to a plain
  // form leaves the page by itself, and one who stopped waiting may press again.
  const PATIENCE = 30000; // milliseconds
  const form = (one) => one.closest("form") || one;
  const busy = (one) => one.getAttribute("aria-busy") === "true";
  const begin = (one) => {
    one.setAttribute("aria-busy", "true");
    window.setTimeout(() => one.removeAttribute("aria-busy"), PATIENCE);
  };
  const stop = (event) => {
    const one = form(event.target);
    if (one.tagName !== "FORM" || !busy(one)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("submit", stop, true);
  document.addEventListener("click", (event) => { if (event.target.closest("button[hx-post]")) stop(event); }, true);
  document.addEventListener("submit", (event) => {
    const one = event.target;
    if (!event.defaultPrevented && one.method === "post" && !("file" in one.dataset)) begin(one);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!byItself(event.detail)) begin(form(event.detail.elt));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    const leaves = answer && answer.getResponseHeader("HX-Redirect"); // the page goes, and takes its forms along
    if (!leaves) form(event.detail.elt).removeAttribute("aria-busy");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy"));
  });

  // Typing and signing are work, though nothing is sent: the desk is told, once a minute.
  const MINUTE = 60000;
  let typed = false, toldAt = Date.now();
  const work = (event) => {
    if (!event.target.closest("main form")) return;
    typed = true;
    const own = document.body.getAttribute("hx-headers");
    if (!own || Date.now() - toldAt < MINUTE) return;
    toldAt = Date.now();
    fetch("/console/awake", { method: "POST", headers: JSON.parse(own), credentials: "same-origin" }).catch(() => {});
  };
  document.addEventListener("input", work);
  document.addEventListener("pointerdown", (event) => { if (event.target.closest("canvas")) work(event); });

  // Locked while something stands in a form: the page is covered, not left. It opens when the desk does.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const answer = event.detail.xhr;
    if (!byItself(event.detail)) return;
    const at = answer.getResponseHeader("HX-Redirect"), body = document.body;
    if (at && typed) {
      event.preventDefault();
      if (body.classList.contains("locked")) return;
      body.classList.add("locked");
      alert(body.dataset.locked + " ");
      const link = document.createElement("a");
      link.className = "alert-link";
      link.href = at.split("?")[0];
      link.target = "_blank";
      link.rel = "noopener";
      link.textContent = body.dataset.unlock;
      told.firstChild.appendChild(link);
    } else if (!at && answer.status === 200 && body.classList.contains("locked")) {
      body.classList.remove("locked");
      told.textContent = "";
    }
  });

  // The word stands at the head of the page, the button often far below.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === told) told.scrollIntoView({ block: "nearest" });
  });
})();
