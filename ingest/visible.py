"""Text that others wrote, made fit to be shown: nothing in it steers a terminal. Pure."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with what does not print (but `keep`) as escapes like \x1b or \u202e."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode()
        for character in text
    )
