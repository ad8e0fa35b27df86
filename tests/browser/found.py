"""Where the browser is."""

import os
import shutil

NAMED_BY = "CHROMIUM"
REQUIRED_BY = ("BROWSER_REQUIRED", "CI")
USUAL = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "没有浏览器：以 root 运行 `apt-get install chromium fonts-noto-cjk`，或用环境变量 CHROMIUM 指明浏览器。"


def find_chromium() -> str | None:
    """The program, or None where there is none on this machine."""
    named = os.environ.get(NAMED_BY)
    return next((found for name in ([named] if named else USUAL) if (found := shutil.which(name))), None)


def required() -> bool:
    """Whether a test without a browser fails (in CI), or is left out."""
    return any(os.environ.get(name, "") not in {"", "0", "false"} for name in REQUIRED_BY)
