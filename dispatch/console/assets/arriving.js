// Lists, slips and papers that arrive. Every page works without it: the server checks all of this again.
"use strict";

(function () {
  // A file that is too large is not sent at all.
  document.querySelectorAll("form[data-upload]").forEach((form) => {
    const most = Number(form.dataset.upload) * 1024 * 1024, words = form.querySelector("[data-too-large]");
    const large = () => Array.from(form.elements.file.files).some((one) => one.size > most);
    form.elements.file.addEventListener("change", () => { words.hidden = !large(); });
    form.addEventListener("submit", (event) => {
      words.hidden = !large();
      if (large()) event.preventDefault();
    });
  });

  // A point of delivery is asked for only where the way has one.
  document.querySelectorAll("form[data-slip]").forEach((form) => {
    const show = () => {
      const way = form.querySelector("input[name=way]:checked").value;
      form.querySelectorAll("[data-for]").forEach((part) => {
        part.hidden = !part.dataset.for.split(" ").includes(way);
        part.querySelectorAll("input").forEach((one) => { one.disabled = part.hidden; });
      });
    };
    form.addEventListener("change", (event) => { if (event.target.name === "way") show(); });
    show();
  });

  // What only a script can do is shown where there is one.
  const able = () => document.querySelectorAll("[data-with-script]").forEach((one) => { one.hidden = false; });
  document.addEventListener("htmx:afterSwap", able);
  able();

  document.querySelectorAll("[data-print]").forEach((button) => {
    button.addEventListener("click", () => window.print());
  });
})();
