"""The tables, one a file; `metadata` is what the migrations must agree with."""

from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import Base, new_id
from app.models.campaign import Campaign
from app.models.campaign_constraint import CampaignConstraint, CampaignSide
from app.models.campaign_edge import CampaignEdge
from app.models.campaign_event import CampaignEvent
from app.models.campaign_indicator import IndicatorHit, IndicatorPlace, IndicatorSet
from app.models.campaign_member import CampaignMember
from app.models.client import Client, client_number, client_ref
from app.models.decision import Decision
from app.models.given_account import GivenAccount, GivenStamp
from app.models.label import Label
from app.models.mode import ModeChange
from app.models.organisation import Organisation, OrganisationAccount, OrganisationClient
from app.models.session import ConsoleSession
from app.models.sign_up import SignUpAttribute, SignUpNews
from app.models.token import Token

metadata = Base.metadata

__all__ = [
    "Alert",
    "AlertEvent",
    "Base",
    "Campaign",
    "CampaignConstraint",
    "CampaignEdge",
    "CampaignEvent",
    "CampaignMember",
    "CampaignSide",
    "Client",
    "ConsoleSession",
    "Decision",
    "GivenAccount",
    "GivenStamp",
    "IndicatorHit",
    "IndicatorPlace",
    "IndicatorSet",
    "Label",
    "ModeChange",
    "Organisation",
    "OrganisationAccount",
    "OrganisationClient",
    "SignUpAttribute",
    "SignUpNews",
    "Token",
    "client_number",
    "client_ref",
    "metadata",
    "new_id",
]
