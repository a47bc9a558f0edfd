"""What is wrong with the syntax of a template, in words of what a person writes rather than of Jinja's parser."""

from __future__ import annotations

import re

__all__ = ["plain_words"]

_CLOSED_BY = r" Jinja was looking for the following tags: .+\. The innermost block that needs to be closed is '(\w+)'"

_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"unexpected end of template, expected 'end of print statement'",
        r"'{{' is not closed. Write '}}' after the expression",
    ),
    (r"unexpected end of template, expected 'end of statement block'", r"'{%' is not closed. Write '%}' after it"),
    (rf"unexpected end of template\.{_CLOSED_BY}", r"'{% \1 … %}' is not closed. Write '{% end\1 %}' after it"),
    (
        rf"encountered unknown tag '(\w+)'\.{_CLOSED_BY}",
        r"'{% \1 %}' stands where '{% \2 … %}' is not closed. Write '{% end\2 %}' before it",
    ),
    (r"encountered unknown tag '(end\w+)'", r"'{% \1 %}' closes nothing. Remove it"),
    (r"encountered unknown tag '(\w+)'", r"there is no tag '\1' in expressions. Remove it"),
    (r"expected an expression, got 'end of print statement'", r"the expression is empty. Write one"),
    (r"(?:unexpected|expected .+, got) 'end of print statement'", r"the expression lacks its end. Complete it"),
    (
        r"(?:unexpected|expected .+, got) 'end of statement block'",
        r"something is missing before '%}'. Complete the tag",
    ),
    (r"expected token 'end of (?:print statement|statement block)', got '='", r"'=' does not compare. Write '=='"),
    (
        r"expected token 'end of (?:print statement|statement block)', got '(?:integer|float|string)'",
        r"a value stands where the expression has ended. Write an operator like 'and', '~' or '+' before it",
    ),
    (
        r"expected token 'end of (?:print statement|statement block)', got '(.+)'",
        r"'\1' is not understood where it stands. Write an operator like 'and', '~' or '+' before it",
    ),
    (r"expected name or number", r"a name is missing after a '.'. Write it"),
    (r"unexpected char '&' at \d+", r"'&' is not understood. Write 'and'"),
    (r"unexpected char '!' at \d+", r"'!' is not understood. Write 'not'"),
    (r"unexpected char (?:'\"'|\"'\") at \d+", r"a quote is not closed. Close it"),
    (r"unexpected char '(.+)' at \d+", r"'\1' is not understood. Remove it, or put it in quotes"),
    (r"missing end of comment tag", r"'{#' is not closed. Write '#}' after the comment"),
    (r"missing end of raw directive", r"'{% raw %}' is not closed. Write '{% endraw %}' after it"),
    (r"unexpected '(.+)', expected '(.+)'", r"'\2' is missing before '\1'. Write it"),
    (r"unexpected '}'", r"'}' stands alone. An expression ends with '}}'"),
    (r"unexpected '([\])])'", r"'\1' closes nothing. Remove it"),
    (
        r"invalid syntax for function call expression",
        r"the arguments of a call are not understood. Write those with names (x=1) last",
    ),
)
"""A pattern of Jinja's message, and what is said instead; the first that fits counts."""

_TOKENS = {
    "end of print statement": "}}",
    "begin of print statement": "{{",
    "end of statement block": "%}",
    "begin of statement block": "{%",
    "end of template": "end of the text",
}


def plain_words(message: str) -> str:
    """Return what a message of Jinja's parser means: what is wrong, and what to do where that is known."""
    message = message.rstrip(".")
    message = message[:1].lower() + message[1:]
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, message)
        if found is not None:
            return found.expand(words)
    for token, sign in _TOKENS.items():
        message = message.replace(token, sign)
    return message
