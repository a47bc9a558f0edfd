"""Write the tables of ``docs/misbehaviours.md`` anew: ``python -m tests.misbehaviours``."""

from __future__ import annotations

from tests.misbehaviours.page import PAGE, render_page

if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
