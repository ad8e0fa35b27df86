// Scanning: a wedge scanner types wherever the focus is (burst.js), a phone looks through its camera; each scan is one
// POST. Written for Chrome 80; without it the form is sent as any other.
"use strict";

(function () {
  const area = document.getElementById("scan-area");
  if (!area) return;
  const Burst = window.Burst;
  const ime = document.getElementById("ime");
  const waiting = [];
  let sending = false;

  // A sound of our own: high and short for well, low and long for wrong. Silent where the machine has no sound.
  let sound = null;
  function beep(kind) {
    const Sound = window.AudioContext || window.webkitAudioContext;
    if (!Sound) return;
    sound = sound || new Sound();
    if (sound.state === "suspended") sound.resume();
    const notes = { done: [[1320, 0.09]], open: [[880, 0.06]], wrong: [[330, 0.3]], stop: [[220, 0.35], [165, 0.35], [220, 0.35]] }[kind] || [];
    let at = sound.currentTime;
    notes.forEach(([pitch, seconds]) => {
      const tone = sound.createOscillator(), loud = sound.createGain();
      tone.type = kind === "stop" ? "square" : "sine";
      tone.frequency.value = pitch;
      loud.gain.value = 0.25;
      tone.connect(loud);
      loud.connect(sound.destination);
      tone.start(at);
      tone.stop(at + seconds);
      at += seconds + 0.05;
    });
  }

  const form = () => area.querySelector("[data-scan-form]");
  const box = () => area.querySelector("[data-scan-box]");
  const stopped = () => area.querySelector("[data-stop]");

  function focusBox() {
    const stop = stopped();
    if (stop) { stop.querySelector("[data-stop-over]").focus(); return; }
    const one = box();
    if (one) one.focus({ preventScroll: true });
  }

  function show(words) {
    const told = document.getElementById("said");
    told.textContent = "";
    if (!words) return;
    const alert = document.createElement("div");
    alert.className = "alert alert-danger";
    alert.setAttribute("role", "alert");
    alert.textContent = words;
    told.appendChild(alert);
  }

  // One scan after the other: the next is sent when the last is answered, for what is open hangs on it.
  function take(text) {
    const code = text.trim();
    if (!code || stopped()) return;
    waiting.push(code);
    next();
  }

  function next() {
    if (sending || !waiting.length) return;
    const sent = form();
    if (!sent || stopped()) { waiting.length = 0; return; }
    const body = new URLSearchParams(new FormData(sent));
    body.set("scan", waiting[0]);
    sending = true;
    fetch(area.dataset.scanUrl, { method: "POST", body, headers: { "HX-Request": "true" }, credentials: "same-origin" })
      .then((answer) => {
        const elsewhere = answer.headers.get("HX-Redirect");
        if (elsewhere) { location.assign(elsewhere); return null; }
        if (answer.status >= 500) throw new Error("away");
        return answer.text();
      })
      .then((html) => { if (html !== null) { waiting.shift(); put(html); } })
      .catch(() => { waiting.length = 0; beep("wrong"); show(area.dataset.lost); })
      .then(() => { sending = false; next(); });
  }

  function put(html) {
    const made = new DOMParser().parseFromString(html, "text/html");
    const fresh = made.getElementById("scanned"), old = document.getElementById("scanned");
    if (!fresh) { show(made.body.textContent.trim()); beep("wrong"); return; }
    show("");
    Array.from(fresh.querySelectorAll("[autofocus]")).forEach((one) => one.removeAttribute("autofocus")); // we do that
    const typed = box() ? box().value : ""; // the next scan may have begun
    old.parentNode.replaceChild(document.adoptNode(fresh), old);
    if (typed && box()) box().value = typed;
    const result = fresh.dataset.result;
    if (result === "stop") waiting.length = 0;
    beep(result);
    focusBox();
  }

  area.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-scan-form]")) return;
    event.preventDefault();
    const text = box().value;
    box().value = "";
    take(text);
  });

  Burst.take = (event, quick) => {
    // In the box itself all of it counts: a slow machine may stop in the middle of a scan.
    const code = event.target === box() && !stopped() ? box().value : quick;
    if (!Burst.fits(code)) return;
    event.preventDefault();
    event.stopPropagation();
    Burst.putBack(box());
    if (box()) box().value = "";
    take(code);
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1) return;
    if (stopped() && event.key !== " ") event.preventDefault();
  }, true);

  // The stop is confirmed by a key on purpose: no scan ends it.
  document.addEventListener("keydown", (event) => {
    const stop = stopped();
    if (!stop) return;
    if ((event.key === " " || event.key === "Escape") && !Burst.long()) {
      event.preventDefault();
      over(stop);
    } else if (event.key === "Tab" || event.key === "Enter") {
      event.preventDefault(); // there is one button, and Enter may be the end of a slow scanner's scan
      focusBox();
    }
  });
  area.addEventListener("click", (event) => {
    if (!event.target.matches("[data-stop-over]")) return;
    event.preventDefault();
    if (event.detail || !Burst.long()) over(stopped());
  });
  function over(stop) {
    stop.parentNode.removeChild(stop);
    Burst.forget();
    focusBox();
  }

  document.addEventListener("compositionstart", (event) => {
    if (event.target === box() && ime) ime.hidden = false;
  });
  document.addEventListener("compositionend", () => { if (ime) ime.hidden = true; });

  // The camera: only when it is asked for, and only where the browser permits it.
  const camera = document.getElementById("camera");
  if (camera && navigator.mediaDevices && navigator.mediaDevices.getUserMedia) {
    camera.hidden = false;
    camera.querySelector("[data-camera]").addEventListener("click", () => (stream ? stopCamera() : startCamera()));
  }
  let stream = null, reading = null, seen = "", seenAt = 0;

  function reader() {
    reading = reading || new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = area.dataset.zxing;
      script.onload = () => {
        window.ZXingWASM.prepareZXingModule({ overrides: { locateFile: (path, folder) => (path.endsWith(".wasm") ? area.dataset.wasm : folder + path) } });
        done(window.ZXingWASM);
      };
      script.onerror = failed;
      document.head.appendChild(script);
    });
    return reading;
  }

  function say(key) {
    const told = camera.querySelector("[data-camera-said]");
    told.textContent = key ? told.dataset[key] : "";
  }

  function startCamera() {
    const video = camera.querySelector("video");
    Promise.all([navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }), reader()])
      .then(([opened, zxing]) => {
        stream = opened;
        video.srcObject = opened;
        video.hidden = false;
        say("on");
        return video.play().then(() => watch(video, zxing));
      })
      .catch(() => { stopCamera(); say("none"); });
  }

  function stopCamera() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    camera.querySelector("video").hidden = true;
    say("");
  }

  function watch(video, zxing) {
    if (!stream) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    if (!canvas.width) { setTimeout(() => watch(video, zxing), 200); return; }
    const drawn = canvas.getContext("2d");
    drawn.drawImage(video, 0, 0);
    const image = drawn.getImageData(0, 0, canvas.width, canvas.height);
    zxing.readBarcodes(image, { formats: ["Code128", "Code39", "QRCode"], maxNumberOfSymbols: 1, tryHarder: true })
      .then((found) => {
        const text = found.length && found[0].isValid !== false ? found[0].text : "";
        // The same code in the next pictures is the same look at it.
        if (text && (text !== seen || Date.now() - seenAt > 3000)) take(text);
        if (text) { seen = text; seenAt = Date.now(); }
      })
      .catch(() => { stopCamera(); say("none"); })
      .then(() => setTimeout(() => watch(video, zxing), 250));
  }
  window.addEventListener("pagehide", stopCamera);

  // A click beside everything brings the focus back, so that the next scan is seen where it lands.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a, button, input, select, textarea, label, summary, video, canvas")) focusBox();
  });
  focusBox();
})();
