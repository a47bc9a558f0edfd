"""Hello: a small public API without credentials, as the first workflow of a newcomer calls it: users and posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.standins.checks import a_text, an_integer, check
from tests.standins.exchange import Answer, Handler, Received, Refusal, json_answer, json_body
from tests.standins.system import System

__all__ = ["Hello"]

_POST_FIELDS = {"userId": an_integer(1, 10), "title": a_text, "body": a_text}


class Hello(System):
    """Users 1 to 10, and posts that they make."""

    name = "hello"

    def reset(self) -> None:
        """Forget every post."""
        super().reset()
        self._posts: list[dict[str, Any]] = []

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Return the API's paths."""
        return {
            ("GET", "/users/{user_id}"): self._get_user,
            ("GET", "/posts"): self._list_posts,
            ("POST", "/posts"): self._add_post,
        }

    def state(self) -> dict[str, Any]:
        """Return the posts."""
        return {"posts": self._posts}

    async def _get_user(self, received: Received, user_id: str) -> Answer:
        if not user_id.isdecimal() or not 1 <= int(user_id) <= 10:
            raise Refusal(404, "not_found", f"there is no user {user_id}")
        name = f"User {user_id}"
        return json_answer(200, {"id": int(user_id), "name": name, "email": f"user{user_id}@example.org"})

    async def _list_posts(self, received: Received) -> Answer:
        return json_answer(200, self._posts)

    async def _add_post(self, received: Received) -> Answer:
        body = json_body(received)
        check(body, _POST_FIELDS, {})
        post = {"id": 100 + len(self._posts) + 1, **body}
        self._posts.append(post)
        return json_answer(201, post)
