"""Every adapter that the conformance suite runs. A new one needs an entry here."""

from collections.abc import Mapping

from tests.posts.adapter import Adapter
from tests.posts.adapters_booking import EMS, SF, SF_XML
from tests.posts.adapters_local import BY_HAND, GOV_EMS
from tests.posts.adapters_tracking import KDNIAO, KUAIDI100

ADAPTERS: Mapping[str, Adapter] = {
    adapter.name: adapter for adapter in (EMS, SF, BY_HAND, GOV_EMS, KDNIAO, KUAIDI100)
}
BENCHES: Mapping[str, Adapter] = {
    adapter.name: adapter for adapter in (EMS, SF, SF_XML, BY_HAND, GOV_EMS, KDNIAO, KUAIDI100)
}
"""The columns of the table: each adapter, and once more where its protocol has a second form."""
