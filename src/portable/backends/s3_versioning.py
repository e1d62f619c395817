"""Hosts that honour conditions only where no versions are kept: there a bucket is asked, before the first condition is sent."""

from portable.backends import boto3_edge
from portable.backends.answers import describe
from portable.backends.extras import Lazy
from portable.backends.s3_rules import Rules
from portable.errors import Unsupported


class Versioning:
    """Whether a bucket has ever kept versions; asked once, and only of hosts whose contract says that it matters."""

    def __init__(self, client: Lazy, bucket: str, rules: Rules) -> None:
        self._client, self._bucket, self._rules = client, bucket, rules
        self._is_plain = rules.contract.conditions.versioned

    def check(self, operation: str, key: str) -> None:
        """Raise Unsupported where the host would ignore a condition, or refuse one that holds.

        Raises: Denied (the credentials may not ask), NotFound (the bucket), Unavailable.
        """
        if self._is_plain:
            return
        with boto3_edge.errors("ask whether versions are kept for", key, self._rules.url):
            status = self._client().get_bucket_versioning(Bucket=self._bucket).get("Status")
        if status is not None:
            raise Unsupported(
                f"{describe(operation, key, self._rules.url)}: this host does not honour conditions in a bucket with versions"
            )
        self._is_plain = True
