"""How one secret can look in a text: patterns for it as it is and as encoders write it."""

from __future__ import annotations

import base64
import re

__all__ = ["ODD", "disguises", "odd_disguises"]

_UNTOUCHED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
"""What no encoder of text has to change."""
ODD = re.compile(r"%(?:25){0,2}[3-7]|\\u00[3-7]")
"""What a text has where letters or digits are quoted or escaped, which no encoder has to do; most texts have none."""
_ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_LEVELS = (0, 1, 2)
"""How often the text around was escaped: not, as JSON, as JSON within JSON."""
_WORD = r"[A-Za-z0-9+/_-]"
_CORE_CHARACTERS = 6
"""The shortest stretch of Base64 that is hidden inside of a longer one."""


def disguises(secret: str) -> tuple[re.Pattern[str], ...]:
    """Return patterns that find a secret, which is not empty.

    They find it raw, JSON-escaped (also twice), URL-quoted (whatever the encoder leaves as it is, also twice),
    HTML-escaped, in Base64 (also inside of a longer text, URL-safe, quoted) and in hex.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    texts = {_written(secret, level) for level in _LEVELS}
    coded = {*_base64(raw), *([f"(?i:{raw.hex()})"] if len(raw) > 3 else [])}
    return tuple(re.compile(pattern) for pattern in (*sorted(texts), "|".join(sorted(coded))))


def odd_disguises(secret: str) -> re.Pattern[str]:
    """Return a pattern that finds a secret whose letters and digits may be quoted or escaped, too."""
    return re.compile(
        "".join(_needlessly(character) if character in _UNTOUCHED else _forms(character, 1) for character in secret)
    )


def _written(secret: str, level: int) -> str:
    return "".join(character if character in _UNTOUCHED else _forms(character, level) for character in secret)


def _needlessly(character: str) -> str:
    """Return a pattern for a letter or digit, also as nobody has to write it: quoted or escaped."""
    return rf"(?:{character}|{_quoted(character)}|\\{{1,4}}u(?i:{ord(character):04x}))"


def _forms(character: str, level: int) -> str:
    """Return a pattern for one character in a text that was escaped ``level`` times."""
    forms = [_backslashes(2**level) if character == "\\" else re.escape(character), _quoted(character)]
    if level:
        lead = _backslashes(2 ** (level - 1))
        units = character.encode("utf-16-be", "surrogatepass").hex()
        forms.append("".join(f"{lead}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)))
        forms.append(f"{lead}U(?i:{ord(character):08x})")
        forms.append("".join(f"{lead}x(?i:{octet:02x})" for octet in character.encode("utf-8", "surrogatepass")))
        if ord(character) < 256:
            forms.append(f"{lead}x(?i:{ord(character):02x})")
        if character in _ESCAPES:
            forms.append(f"{lead}{_ESCAPES[character]}")
        if character in "\"'/":
            forms.append(rf"\\{{1,{2**level - 1}}}{character}")  # not every encoder escapes it every time
    if character in _ENTITIES:
        forms.append(f"&{_ENTITIES[character]};")
    if character in "&<>\"'":
        forms += (f"&#0*{ord(character)};", f"&#[xX]0*(?i:{ord(character):x});")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def _backslashes(count: int) -> str:
    return rf"\\{{{count}}}"


def _quoted(character: str) -> str:
    """Return a pattern for one character as percent-encoded UTF-8, also of percent-encoded text."""
    octets = character.encode("utf-8", "surrogatepass")
    return "".join(f"%(?:25){{0,2}}(?i:{octet:02x})" for octet in octets)


def _base64(raw: bytes) -> list[str]:
    """Return patterns for Base64 of anything that holds ``raw``, at each of the three places it can begin at.

    What a secret shares with its neighbours (the first and the last character) is not part of a pattern.
    """
    patterns = []
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw).decode()
        core = coded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        if len(core) >= _CORE_CHARACTERS:
            patterns.append(f"{_coded(core)}{_WORD}?(?:=|%3[dD]){{0,2}}")
        elif offset == 0:
            patterns.append(f"(?<!{_WORD}){_coded(coded.rstrip('='))}(?!{_WORD})(?:=|%3[dD]){{0,2}}")
    return patterns


def _coded(text: str) -> str:
    forms = {"+": r"(?:[+-]|%2[bB])", "/": r"(?:\\{0,3}[/_]|_|%2[fF])"}
    return "".join(forms.get(character, character) for character in text)
