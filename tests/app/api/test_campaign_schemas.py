"""Bodies refuse what they do not know: a misspelt member must not look like an order that was understood."""

import pytest
from pydantic import ValidationError

from app.api import campaign_schemas as shapes


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (shapes.CampaignCloseBody, {"disposition": "test", "close_alert": True}),
        (shapes.SplitBody, {"clients": [], "reason": "x"}),
        (shapes.SplitBody, {"clients": ["cl_1"], "reason": " "}),
        (shapes.MergeBody, {"other": "cp_1", "reason": "x"}),
        (shapes.CampaignApplyBody, {"action": "tag", "duration_seconds": 60, "reason": "x"}),
        (shapes.CampaignDecisionBody, {"action": "tag", "duration_seconds": 59, "reason": "x"}),
        (shapes.CampaignDecisionBody, {"action": "tag", "duration_seconds": 60, "reason": "x", "simulated": "no"}),
        (shapes.CampaignDecisionBody, {"action": "tag", "duration_seconds": "60", "reason": "x"}),
        (shapes.CampaignCloseBody, {"disposition": "test", "close_alerts": 1}),
        (shapes.MergeBody, {"other": "cp_1", "other_version": "1", "reason": "x"}),
        (shapes.AttributeImportBody, {"entries": [{"client": "cl_1", "attributes": {}}], "replace": "yes"}),
        (shapes.IndicatorExportBody, {"days": 0}),
    ],
)
def test_a_wrong_body_is_refused(shape, body):
    with pytest.raises(ValidationError):
        shape.model_validate(body)


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (shapes.CampaignCloseBody, {"disposition": "test", "close_alerts": True}),
        (shapes.SplitBody, {"clients": ["cl_1"], "reason": "x", "disposition": "duplicate"}),
        (shapes.CampaignApplyBody, {"action": "tag", "duration_seconds": 60, "reason": "x", "expected_clients": 1}),
        (shapes.AttributeImportBody, {"entries": [{"client": "cl_1", "attributes": {"sign_up_hour": 5}}]}),
    ],
)
def test_a_body_of_the_right_types_is_taken_as_json_gives_it(shape, body):
    assert shape.model_validate(body).model_dump(exclude_unset=True) == body
