"""Distinguished names: two spellings of one entry are one key, and two entries never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.ldap.names import NameOfEntryInvalid, fold_dn


@pytest.mark.parametrize(
    "spellings",
    [
        ("cn=Dev,ou=Groups,dc=example", "CN=dev, OU=groups , DC=EXAMPLE", "cn = dev;ou=groups;dc=example",
         "commonName=dev,organizationalUnitName=groups,domainComponent=example",
         "2.5.4.3=dev,2.5.4.11=groups,dc=example",
         "OID.2.5.4.3=dev,ou=groups,dc=example", 'cn="Dev",ou=Groups,dc=example', "cn=#0c03446576,ou=groups,dc=example",
         "cn=\\44ev,ou=groups,dc=example"),
        ("cn=A\\, B,dc=x", "cn=a\\2C b,dc=x", 'cn="A, B",dc=x', "cn=a\\2c  b ,dc=x"),
        ("cn=Größe,dc=x", "cn=GRÖSSE,dc=x", "cn=gr\\C3\\B6sse,dc=x", "cn=Gro\u0308\u00dfe,dc=x"),
        ("cn=a+uid=b,dc=x", "UID=B + CN=A,dc=x"),
        ("cn=\\#1,dc=x", "cn=\\231,dc=x", 'cn="#1",dc=x'),
        ('cn=a\\=b\\+c\\<d\\>\\;\\"\\\\,dc=x', "cn=a=b\\2bc\\3cd\\3e\\3b\\22\\5c,dc=x"),
        ("cn=,dc=x", "cn= ,dc=x"),
        ("cn=a  b,dc=x", "cn=a b,dc=x", "cn=\\ a b\\ ,dc=x"),
    ],
)  # fmt: skip
def test_spellings_of_one_name_are_one(spellings: tuple[str, ...]) -> None:
    assert len({fold_dn(one) for one in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a,cn=b,dc=x", "cn=a\\,cn\\=b,dc=x"),
        ("cn=a,dc=x", "cn=a,dc=x,dc=y"),
        ("cn=a+cn=b,dc=x", "cn=a\\+cn\\=b,dc=x"),
        ("cn=a,dc=x", "ou=a,dc=x"),
        ("cn=admins\\,dc=evil,dc=x", "cn=admins,dc=evil,dc=x"),
    ],
)
def test_two_names_are_two(one: str, other: str) -> None:
    assert fold_dn(one) != fold_dn(other)


@pytest.mark.parametrize(
    "text",
    ["", " ", "cn", "=a", "cn=a,", ",cn=a", "cn=a,,dc=x", "cn=a\\", "cn=a\\x",
     'cn="a', 'cn="a"b', "cn=#0405", "cn=a<b", "cn=\0", "cn=\\ff", "1x=a", "cn=" + "a" * 5000],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(NameOfEntryInvalid):
        fold_dn(text)


@given(st.text())
def test_any_value_can_be_in_a_name_and_folding_twice_is_folding_once(value: str) -> None:
    escaped = "".join(f"\\{byte:02x}" for byte in value.encode("utf-8", "replace"))
    folded = fold_dn(f"cn={escaped},dc=x")

    assert folded.endswith(",dc=x")
    assert fold_dn(folded) == folded


@given(st.text(alphabet='cn=,+\\"#; ab0<\0', max_size=30))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        folded = fold_dn(text)
    except NameOfEntryInvalid:
        return
    assert fold_dn(folded) == folded
