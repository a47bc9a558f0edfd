"""Stand-ins for the services that workflows call: real servers, each written from what its service's document says.

They never import the provider: they are the other side of its tests. ``python -m tests.standins derivativ`` runs
one by hand; :class:`StandIn` runs one for a test or a demo.
"""

from tests.standins.ledger import Call, Ledger
from tests.standins.process import StandIn

__all__ = ["Call", "Ledger", "StandIn"]
