"""The story of a case, told line by line: what the hall did, what the post said, what was proved."""
