"""Campaigns (D11): the clients that act as one operator, what ties them together, and how they score as one."""

from detectors.campaign.report import Campaign, Edge, Member, Without
from detectors.campaign.state import Linker, Settings
from detectors.campaign.tells import TELL, Kind, tells

__all__ = ["TELL", "Campaign", "Edge", "Kind", "Linker", "Member", "Settings", "Without", "tells"]
