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
        (shapes.IndicatorExportBody, {"days": 0}),
    ],
)
def test_a_wrong_body_is_refused(shape, body):
    with pytest.raises(ValidationError):
        shape.model_validate(body)
