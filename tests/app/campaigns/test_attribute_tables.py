"""Tables of sign-up attributes: both forms say the same, and a mistake is named with its place and never quoted."""

import pytest

from app.campaigns import attribute_tables
from app.campaigns.attribute_tables import Entry
from app.errors import InvalidInput
from app.models.client import client_ref

ONE, TWO = client_ref(1), client_ref(2)


def test_csv_and_json_lines_say_the_same():
    table = attribute_tables.read(
        [
            "\ufeffclient,Email_Domain,sign_up_hour,payment",
            f"{ONE}, Example.ORG ,14,",
            "",
            f"{TWO},b.org,,x y",
        ]
    )
    lines = [
        f'{{"client": "{ONE}", "attributes": {{"email_domain": "example.org", "sign_up_hour": 14, "payment": null}}}}',
        "",
        f'{{"client": "{TWO}", "attributes": {{"email_domain": "B.org", "sign_up_hour": "", "payment":"X  Y"}}}}',
    ]
    assert table == attribute_tables.read_json(lines)
    assert table[0] == Entry("client", ONE, {"email_domain": "example.org", "sign_up_hour": "14", "payment": ""})
    (account,) = attribute_tables.read(["account,referrer", "Acme Ltd,ad-7"])
    assert (account.kind, account.of) == ("account", "Acme Ltd")


@pytest.mark.parametrize("value", ["Stra\u00dfe 5", "STRASSE  5 ", "\uff33trasse 5"])
def test_one_value_written_in_several_ways_is_one(value):
    assert attribute_tables.plain(value, "/x") == "strasse 5"


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ([], "header"),
        (["name,payment"], "header"),
        (["client"], "header"),
        (["client,payment,payment"], "header"),
        (["client,Pay-ment"], "header"),
        (["client,payment", "secret-value,x"], "line 2"),
        (["client,payment", f"{ONE},x,secret-value"], "line 2"),
        (["client,payment", "", f"{ONE},secret-value\x07"], "line 3, payment"),
        (["client,payment", f"{ONE},{'secret-value' * 50}"], "line 2, payment"),
        (["account,payment", ",secret-value"], "line 2"),
        (["client,payment\n", f'{ONE},"x\n', 'y"\n', f"{TWO},secret-value\x07\n"], "line 4, payment"),
        (["client,payment\n", "\n", f'{ONE},"secret-value\n', f"{TWO},y\n"], "line 3"),
        ([f"client,{','.join(f'a{n}' for n in range(17))}", f"{ONE}{',1' * 17}"], "line 2"),
    ],
)
def test_a_mistake_names_its_line_and_no_value(lines, where):
    with pytest.raises(InvalidInput) as caught:
        attribute_tables.read(lines)
    assert caught.value.pointer == where
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"client": 7, "attributes": {}}',
        f'{{"client": "{ONE}", "account": "a", "attributes": {{}}}}',
        f'{{"client": "{ONE}", "attributes": {{"payment": true}}}}',
        f'{{"client": "{ONE}", "attributes": {{"payment": [1]}}}}',
        f'{{"client": "{ONE}", "attributes": {{"Payment": "x"}}}}',
    ],
)
def test_a_mistake_in_json_lines_names_the_line(line):
    with pytest.raises(InvalidInput, match=r"^line 2"):
        attribute_tables.read_json(["", line])


def test_a_table_has_an_end(monkeypatch):
    monkeypatch.setattr(attribute_tables, "MOST", 2)
    with pytest.raises(InvalidInput, match="import it in parts"):
        attribute_tables.read(["client,payment", f"{ONE},1", f"{ONE},2"])
    with pytest.raises(InvalidInput, match="import it in parts"):
        attribute_tables.read_json(["", "", ""])


def test_one_attribute_with_two_values_is_a_mistake_and_one_said_twice_is_none():
    lines = ["client,email,payment", f"{ONE},a,x", f"{TWO},a,y", f"{ONE}, A ,x"]
    assert len(attribute_tables.read(lines)) == 3
    with pytest.raises(InvalidInput, match="line 5: it says otherwise than line 2"):
        attribute_tables.read([*lines, f"{ONE},a,"])
    documents = [f'{{"client": "{ONE}", "attributes": {{"{name}": "{value}"}}}}' for name, value in ("ax", "bx", "ay")]
    assert len(attribute_tables.read_json(documents[:2])) == 2
    with pytest.raises(InvalidInput, match="line 3: it says otherwise than line 1"):
        attribute_tables.read_json(documents)


@pytest.mark.parametrize(("where", "pointer"), [("", "/attributes"), ("/entries/3", "/entries/3/attributes")])
def test_a_wrong_name_is_pointed_at(where, pointer):
    with pytest.raises(InvalidInput) as caught:
        attribute_tables.entry(ONE, None, {"No Name": "x"}, where)
    assert caught.value.pointer == pointer
