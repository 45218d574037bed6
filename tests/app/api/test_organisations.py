"""Organisations over HTTP."""


async def test_organisations_are_listed_and_a_wrong_table_changes_nothing(call):
    await call.post("/api/v1/organisations/import", json={"csv": "account,organisation\nacct_7,Acme"})
    wrong = await call.post("/api/v1/organisations/import", json={"csv": "client,organisation\nno,Bolt"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/csv"
    listed = (await call.get("/api/v1/organisations")).json()["data"]
    assert [(one["name"], one["verified"], one["accounts"], one["clients"]) for one in listed] == [("Acme", True, 1, 0)]
