// A signature on the screen: by finger, pen or mouse. Written for Chrome 80; without it one signs on paper.
"use strict";

(function () {
  Array.from(document.querySelectorAll("[data-sign]")).forEach((part) => {
    const pad = part.querySelector("canvas"), kept = part.querySelector("input[name=signature]");
    const pen = pad.getContext("2d");
    let drawing = false, drawn = false;
    part.hidden = false;
    pen.lineWidth = 5;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.strokeStyle = "#000";
    const place = (event) => {
      const here = pad.getBoundingClientRect();
      return [(event.clientX - here.left) * pad.width / here.width, (event.clientY - here.top) * pad.height / here.height];
    };
    pad.addEventListener("pointerdown", (event) => {
      drawing = true;
      pad.setPointerCapture(event.pointerId);
      pen.beginPath();
      pen.moveTo(...place(event));
      event.preventDefault();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!drawing) return;
      pen.lineTo(...place(event));
      pen.stroke();
      drawn = true;
    });
    const lift = () => {
      if (!drawing) return;
      drawing = false;
      kept.value = drawn ? pad.toDataURL("image/png") : "";
    };
    pad.addEventListener("pointerup", lift);
    pad.addEventListener("pointercancel", lift);
    part.querySelector("[data-sign-clear]").addEventListener("click", () => {
      pen.clearRect(0, 0, pad.width, pad.height);
      drawn = false;
      kept.value = "";
    });
  });
})();
