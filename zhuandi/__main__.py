"""`python -m zhuandi` is the command `zhuandi`."""

from zhuandi.main import main

main()
