"""The browser that the tests drive, and type for Chinese pages: as root on Debian they are installed, elsewhere told.

`python tests/browser/install.py`; nothing is done where a browser is there already.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.browser.found import ADVICE, find_chromium

PACKAGES = ("chromium", "fonts-noto-cjk")
QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def main() -> None:
    """Install, or say what to do; never an error: the tests themselves say what they miss."""
    if find_chromium():
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(ADVICE, file=sys.stderr)
        return
    print(f"安装 {'、'.join(PACKAGES)}……", file=sys.stderr)
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=QUIET, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"apt-get {words[0]}：{done.stderr[-500:]}", file=sys.stderr)
            return


if __name__ == "__main__":
    main()
