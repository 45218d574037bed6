async def test_smoke(console, reviewer):
    ids = await console.seed()
    for path in (
        "/alerts",
        "/alerts?state=all",
        f"/alerts/{ids['critical']}",
        f"/alerts/{ids['closed']}",
        f"/alerts/{ids['new']}/markdown",
        "/clients",
        "/status",
        "/help",
        "/alerts/arrivals?since=al_",
        "/clients/cl_3fa94c21b7d0e815",
    ):
        r = await reviewer.get(path)
        print(path, r.status_code, len(r.text))
        assert r.status_code == 200, r.text
