"""One field's text becomes its value, or a `WrongError` that says what is wrong and what would be right."""
