"""The faults that the stand-in API has in the demonstration, so that there is something to recover from."""

from __future__ import annotations

from tests.standins import StandIn

__all__ = ["set_faults"]

_QUESTIONS = "/api/questions/generate"
_DOCUMENTS = "/api/documents/generate"


def set_faults(standin: StandIn) -> list[str]:
    """Let the API fail once in each of four ways, and return the ways in words."""
    standin.fail(_QUESTIONS, where={"topic": "algebra"}, status=503)
    standin.fail(_QUESTIONS, where={"topic": "geometry"}, status=429, headers={"Retry-After": "3"})
    standin.fail(_QUESTIONS, where={"topic": "statistics"}, cut="body")
    standin.fail(_DOCUMENTS, where={"document_type": "worksheet"}, stall=2)
    return [
        "503 for the first call on algebra",
        "429 with Retry-After: 3 for the first call on geometry",
        "the connection cut in the middle of the answer on statistics",
        "2 s of silence before the worksheet",
    ]
