"""Limit how many accounts people may register for themselves."""

import time
from collections import OrderedDict

from moorage.errors import SignUpsThrottled
from moorage.users.login_throttle import network_of

SIGN_UPS = 5
SIGN_UP_SECONDS = 3600
_NETWORKS = 10_000


class SignUps:
    """How many accounts strangers of one network made lately: they can make 5 an hour. Of one process."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, list[float]] = OrderedDict()

    def count(self, address: str) -> None:
        """Count one more.

        Raises:
            SignUpsThrottled: it is one too many.
        """
        now = time.monotonic()
        network = network_of(address)
        lately = [at for at in self._seen.pop(network, []) if now - at < SIGN_UP_SECONDS]
        if len(lately) < SIGN_UPS:
            lately.append(now)
            self._keep(network, lately)
            return
        self._keep(network, lately)
        raise SignUpsThrottled(headers={"Retry-After": str(int(SIGN_UP_SECONDS - (now - lately[0])) + 1)})

    def _keep(self, network: str, lately: list[float]) -> None:
        self._seen[network] = lately
        if len(self._seen) > _NETWORKS:
            self._seen.popitem(last=False)
