"""What the core says becomes what is recorded: bounded, and ready for JSON."""

import json

from app.linker.told import found, key_of
from detectors.campaign import Linker


def test_everything_a_reviewer_needs_is_in_it_and_is_json(crowd):
    linker = Linker()
    linker.observe(crowd())
    (campaign,) = linker.link(1_800_000_100.0)
    one = found(campaign, lambda _token: (1, 2, 999), {"nats": 3.0}, 1_800_000_100.0)
    assert one.key == key_of(campaign)
    assert len(one.key) == 16
    assert one.edges[0].holders == (1, 2)  # who is no member is not named
    assert (one.score, one.threshold, one.sentence) == (campaign.score, campaign.threshold, campaign.sentence)
    said = json.loads(json.dumps(one.evidence, allow_nan=False))
    assert abs(sum(term["contribution"] for term in said["terms"]) - campaign.score) < 0.5
    assert said["without"]["members"] <= len(campaign.members)
    assert said["pooled"] == {"nats": 3.0}
    assert said["window"]["start"] < said["window"]["end"]
