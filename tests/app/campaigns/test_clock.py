"""What a clock that ran ahead noted counts as seen now; what is a little ahead may be another process's word."""

import pytest

from app.campaigns.clock import AHEAD_SECONDS, set_right
from app.models.base import moment
from app.models.campaign_member import CampaignMember

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("seen", "counts_as"),
    [(-86_400.0, -86_400.0), (60.0, 60.0), (AHEAD_SECONDS, AHEAD_SECONDS), (AHEAD_SECONDS + 1, 0.0), (1e9, 0.0)],
)
def test_only_a_future_that_no_pass_to_come_saw_is_set_right(seen, counts_as):
    member = CampaignMember(seen_at=moment(NOW + seen))
    set_right([member], NOW)
    assert member.seen_at == moment(NOW + counts_as)
