"""Every adapter that the conformance suite runs. A new one needs an entry here."""

from collections.abc import Mapping

from tests.posts.adapter import Adapter
from tests.posts.adapters_booking import BY_HAND, EMS, GOV_EMS, SF
from tests.posts.adapters_tracking import KDNIAO, KUAIDI100

ADAPTERS: Mapping[str, Adapter] = {
    adapter.name: adapter for adapter in (EMS, SF, BY_HAND, GOV_EMS, KDNIAO, KUAIDI100)
}
