"""Text that breaks what joins its forms, its JSON, its XML or its signatures by hand, for every field of text.

It begins and ends with something that nobody strips, and holds no brace: a sandbox fills in texts of its own.
"""

from hypothesis import strategies as st

MARKS = "*~+/&%=?#\"'\\<>|$`();:"
FAR = "𠮷𬭳㐂🏮👩\u200d⚖️🇨🇳e\u0301"  # beyond the basic plane, from an extension, joined, combined
NEAR = "蓝雨村县，。【】aZ9"

words = st.text(st.sampled_from(MARKS + FAR + NEAR), min_size=1, max_size=16)
names = st.text(st.sampled_from(MARKS + FAR + NEAR + "  "), max_size=18).map(lambda text: f"{text}号".lstrip())
"""Names of people and places, with blanks in them; at most 19 characters, which the narrowest field takes."""
