"""Who has what ties a campaign."""

from app.linker.holders import holders_of
from detectors.campaign import Linker


def test_each_edges_holders_are_as_many_as_it_says(crowd):
    linker = Linker()
    linker.observe(crowd())
    campaigns = linker.link(1_800_000_100.0)
    holders = holders_of(linker.graph, campaigns)
    edges = [edge for one in campaigns for edge in one.edges]
    assert edges
    for edge in edges:
        members = set(holders(edge.token)) & campaigns[0].clients
        assert len(members) == edge.members
    assert list(holders(12345)) == []


def test_nothing_found_has_no_holders():
    assert list(holders_of(Linker().graph, ())(1)) == []
