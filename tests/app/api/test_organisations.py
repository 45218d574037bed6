"""Organisations over HTTP."""


async def test_organisations_are_listed_and_a_wrong_table_changes_nothing(call):
    await call.post("/api/v1/organisations/import", json={"csv": "account,organisation\nacct_7,Acme"})
    wrong = await call.post("/api/v1/organisations/import", json={"csv": "client,organisation\nno,Bolt"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/csv"
    listed = (await call.get("/api/v1/organisations")).json()["data"]
    assert [(one["name"], one["verified"], one["accounts"], one["clients"]) for one in listed] == [("Acme", True, 1, 0)]


async def test_a_table_whose_quotes_stay_open_is_refused_with_the_line(call):
    """However long it is: not every such table is one value that the reader finds too long."""
    for rest in (1, 6000):
        table = 'client,organisation\ncl_0000000000000001,"Acme Ltd\n' + "cl_00000000000000ff,Bolt\n" * rest
        wrong = await call.post("/api/v1/organisations/import", json={"csv": table})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/csv")
        assert "line 2: " in wrong.text
        assert "close its quotes" in wrong.text
    assert (await call.get("/api/v1/organisations")).json()["data"] == []
