"""One store over several: jobs are spread over partitions by weight, and each stays where it was pushed."""

from penstock.engines.federated.engine import FederatedEngine
from penstock.engines.federated.late import late_engine
from penstock.engines.federated.partitions import Partition

__all__ = ["FederatedEngine", "Partition", "late_engine"]
