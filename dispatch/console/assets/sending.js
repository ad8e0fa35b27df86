// What is sent: a lost connection is told, and what was typed stays. Written for Chrome 80.
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

  // The word stands at the head of the page, the button often far below.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === told) told.scrollIntoView({ block: "nearest" });
  });
})();
