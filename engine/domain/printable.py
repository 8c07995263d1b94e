"""Text of strangers, made harmless to show: one rule for what may move a cursor, turn the reading direction or hide."""


def printable(text: str, *, instead: str = "", keep: str = "") -> str:
    """Leave what is printable, in one line; whatever is not becomes `instead`, but for the characters in `keep`.

    Not printable are control, format (bidirectional, zero-width), surrogate and unassigned characters, and every
    separator but the space: what `str.isprintable` says, after the Unicode categories C and Z.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else instead for c in text)
