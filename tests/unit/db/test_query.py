"""The grammar of lists: what is read, what is refused and where, and how pages point to each other."""

import contextlib
import time
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Dialect, MetaData, String, Table, make_url, select

from moorage.db.base import UtcTime
from moorage.db.list_query import (
    Clause,
    Field,
    Fields,
    Listing,
    Special,
    ignored_warning,
    page_headers,
    parse_q,
    parse_sort,
    read_listing,
)
from moorage.errors import ListingInvalid, QueryInvalid

TABLE = Table(
    "thing",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", String, nullable=False),
    Column("note", String),
    Column("folded", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("open", Boolean, nullable=False),
)
C = TABLE.c
FIELDS = Fields(
    {
        "id": Field(C.id, "number"),
        "name": Field(C.name),
        "note": Field(C.note),
        "user_name": Field(C.name, folded=C.folded),
        "size": Field(C.size, "number"),
        "creation_time": Field(C.at, "time"),
        "public": Field(C.open, "flag", sortable=False),
        "hidden": Field(C.size, "number", searchable=False),
        "tags": Special(lambda clause: C.note.is_(None) if clause.values == ("nil",) else None),
    },
    key=C.id,
    aliases={"title": "name"},
)
DIALECTS: dict[str, Dialect] = {
    "sqlite": make_url("sqlite://").get_dialect()(),
    "postgresql": make_url("postgresql+psycopg://").get_dialect()(),
}
HOSTILE = st.text(st.sampled_from("name=~[]{}()\\,%_ '\";-0123456789TZ:+\0é\ud800size"), max_size=200)


# -- q ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "clauses"),
    [
        ("name=app", [("name", "exact", ("app",))]),
        ("name=~ap", [("name", "fuzzy", ("ap",))]),
        ("name=~", [("name", "fuzzy", ("",))]),
        ("size=[1~5]", [("size", "range", ("1", "5"))]),
        ("size=[~5]", [("size", "range", ("", "5"))]),
        ("size=[1~]", [("size", "range", ("1", ""))]),
        ("name={a  b c}", [("name", "any", ("a", "b", "c"))]),
        ("name={\"a\" 'b'}", [("name", "any", ("a", "b"))]),
        ("name={}", [("name", "any", ())]),
        ("labels=(1 2)", [("labels", "all", ("1", "2"))]),
        (r"name=\~x", [("name", "exact", ("~x",))]),
        ("a=b=c", [("a", "exact", ("b=c",))]),
        ("a=1,b=2", [("a", "exact", ("1",)), ("b", "exact", ("2",))]),
        ("name%3D%7Eap", [("name", "fuzzy", ("ap",))]),
        ("name=~%25", [("name", "fuzzy", ("%",))]),
        ("name=~%", [("name", "fuzzy", ("%",))]),
        ("name={a+b}", [("name", "any", ("a", "b"))]),
        ("", []),
    ],
)
def test_a_clause_is_read_as_in_the_contract(q: str, clauses: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [(clause.key, clause.shape, clause.values) for clause in parse_q(q)] == clauses


@pytest.mark.parametrize(
    ("q", "position"),
    [
        ("name", 0),
        ("name=", 0),
        ("=x", 0),
        ("name=x,", 7),
        ("name=x,,size=1", 7),
        ("name={a b", 5),
        ("size=[1~", 5),
        ("size=[1]", 5),
        ("size=[~]", 5),
        ("size=[1~2~3]", 5),
        ("[[[[=1", 0),
        ("size=[[[[", 5),
        ("project.owner.name=x", 0),
        ("name';--=x", 0),
        ("name=x,(select 1)=2", 7),
        ("name=a\0b", 6),
        ("name=a%00b", 6),
        (",".join(f"k{n}=1" for n in range(21)), 110),
        ("name=~" + "x" * 10_240, 1_024),
        (",".join(["a=1"] * 1_000), 1_024),
    ],
)
def test_a_malformed_q_is_refused_with_its_position(q: str, position: int) -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse_q(q)

    assert caught.value.status == 400
    assert caught.value.detail == {"parameter": "q", "position": position}
    assert f"position {position}" in str(caught.value)


def test_twenty_clauses_of_a_kilobyte_pass() -> None:
    q = ",".join(f"k{n:02}=" + "x" * 46 for n in range(20))
    assert len(q) <= 1_024
    assert len(parse_q(q)) == 20


@given(HOSTILE | st.text(max_size=2_000))
def test_whatever_q_is_it_is_read_or_refused(q: str) -> None:
    try:
        conditions, _ = FIELDS.where(Listing(parse_q(q)))
    except QueryInvalid:
        return
    for dialect in DIALECTS.values():
        str(select(TABLE).where(*conditions).compile(dialect=dialect))


@given(HOSTILE | st.text(max_size=2_000))
def test_whatever_sort_is_it_is_read_or_refused(sort: str) -> None:
    with contextlib.suppress(QueryInvalid):
        clauses, _ = FIELDS.order(Listing(sort=parse_sort(sort)), "name")
        assert str(clauses[-1]).startswith("thing.id ")


@given(st.text(st.characters(exclude_characters=",\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_every_value_without_a_comma_can_be_asked_for(value: str) -> None:
    [clause] = parse_q(quote_plus("name=\\" + value))
    assert (clause.shape, clause.values) == ("exact", (value,))


def test_reading_takes_time_in_proportion() -> None:
    worst = ["[" * 1_020, "~" * 1_020, "a=[" + "~" * 1_000 + "]", "a={" + " " * 1_000 + "}", "A" * 1_020, "," * 1_020]
    began = time.process_time()
    for q in worst:
        for _ in range(20):
            with pytest.raises(QueryInvalid):
                parse_q(q) and parse_q("=")
    assert time.process_time() - began < 1


# -- conditions -------------------------------------------------------------------------------------------


def where(q: str) -> tuple[str, list[object], list[str]]:
    """The condition for PostgreSQL, its values and what was ignored."""
    conditions, ignored = FIELDS.where(Listing(parse_q(q)))
    compiled = select(C.id).where(*conditions).compile(dialect=DIALECTS["postgresql"])
    return str(compiled).partition("WHERE ")[2], list(compiled.params.values()), ignored


def test_wildcards_are_ordinary_characters() -> None:
    _, values, _ = where("name=~50%25_\\x")
    assert values == ["%50\\%\\_\\\\x%"]


def test_a_fuzzy_search_of_a_folded_column_folds_all_letters() -> None:
    _, values, _ = where("user_name=~ÉCO_")
    assert values == ["éco/_"]


@pytest.mark.parametrize(
    ("q", "value"),
    [
        ("creation_time=2026-01-31T15:04:05", datetime(2026, 1, 31, 15, 4, 5, tzinfo=UTC)),
        ("creation_time=2026-01-31 15:04:05", datetime(2026, 1, 31, 15, 4, 5, tzinfo=UTC)),
        ("CreationTime=2026-01-31T15:04:05.25Z", datetime(2026, 1, 31, 15, 4, 5, 250_000, tzinfo=UTC)),
        ("creation_time=2026-01-31T15:04:05%2B01:00", datetime(2026, 1, 31, 14, 4, 5, tzinfo=UTC)),
        ("size=-7", -7),
        ("name=7", "7"),
        ("title=x", "x"),
    ],
)
def test_a_value_is_of_its_fields_kind(q: str, value: object) -> None:
    _, values, ignored = where(q)
    assert (values, ignored) == ([value], [])


@pytest.mark.parametrize(("q", "word"), [("public=false", "false"), ("public=True", "true"), ("Public=0", "false")])
def test_a_flag_is_true_or_false(q: str, word: str) -> None:
    assert where(q) == (f"thing.open = {word}", [], [])


@pytest.mark.parametrize(
    "q",
    [
        "size=abc", "size=~1", "size=9223372036854775808", "size={1 b}", "creation_time=yesterday", "public=maybe",
        "creation_time=[a~b]", "creation_time=2026-02-30T00:00:00", "public=[true~false]", "creation_time=~2026",
        "creation_time=0001-01-01T00:00:00%2B23:00", "size=\uff11",
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(q: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        FIELDS.where(Listing(parse_q(f"name=x,{q}")))
    assert caught.value.detail["position"] == 7


def test_unknown_keys_are_ignored_and_named() -> None:
    condition, values, ignored = where("name=a,colour=red,name__in=b,hidden=1,name=(a b),tags=x")
    assert condition == "thing.name = %(name_1)s::VARCHAR"
    assert values == ["a"]
    assert ignored == ["colour", "name__in", "hidden", "name=(...)"]
    assert ignored_warning([*ignored, "colour"]) == (
        '299 - "ignored, not known here: colour, name__in, hidden, name=(...)"'
    )


def test_a_special_key_has_its_own_condition() -> None:
    assert where("tags=nil")[0] == "thing.note IS NULL"


def test_the_same_question_is_compiled_once() -> None:
    def key(q: str, sort: str) -> object:
        listing = Listing(parse_q(q), parse_sort(sort))
        made = select(C.id).where(*FIELDS.where(listing)[0]).order_by(*FIELDS.order(listing, "id")[0])
        cache_key = made._generate_cache_key()  # what SQLAlchemy looks up its compiled statements by
        assert cache_key is not None
        return cache_key.key

    one = key("name=~a,size=[1~2],name={a b},user_name=~x", "-name,size")
    assert one == key("name=~other,size=[3~4],name={c},user_name=~y", "-name,size")
    assert one != key("name=~a,size=[1~2],name={a b},user_name=~x", "name,size")


def test_a_clause_can_be_refused_by_its_own_key() -> None:
    problem = Clause("labels", "exact", ("x",), 3).refuse("expected (id id)")
    assert str(problem) == "q: labels, at position 3: expected (id id)"


# -- order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "order", "ignored"),
    [
        ("", '(thing.name COLLATE "C") ASC, thing.id ASC', []),
        ("-size", "thing.size DESC, thing.id DESC", []),
        ("size,-creation_time", "thing.size ASC, thing.at DESC, thing.id DESC", []),
        ("-note", '(thing.note COLLATE "C") DESC NULLS LAST, thing.id DESC', []),
        ("note", '(thing.note COLLATE "C") ASC NULLS FIRST, thing.id ASC', []),
        ("size,size,-size", "thing.size ASC, thing.id ASC", []),
        ("-id,name", "thing.id DESC", []),
        ("colour,-size,", "thing.size DESC, thing.id DESC", ["colour"]),
        ("public,tags", '(thing.name COLLATE "C") ASC, thing.id ASC', ["public", "tags"]),
        ("-CreationTime", "thing.at DESC, thing.id DESC", []),
    ],
)
def test_the_order_ends_with_the_unique_column(sort: str, order: str, ignored: list[str]) -> None:
    clauses, unknown = FIELDS.order(Listing(sort=parse_sort(sort)), "name")
    text = str(select(C.id).order_by(*clauses).compile(dialect=DIALECTS["postgresql"]))
    assert text.partition("ORDER BY ")[2] == order
    assert unknown == ignored


@pytest.mark.parametrize(("sort", "position"), [("name,(select 1)", 5), ("-", 0), ("--name", 0), ("a.b.c", 0)])
def test_a_malformed_sort_is_refused(sort: str, position: int) -> None:
    with pytest.raises(QueryInvalid) as caught:
        parse_sort(sort)
    assert caught.value.detail == {"parameter": "sort", "position": position}


# -- pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "page", "page_size", "offset"),
    [
        ({}, 1, 10, 0),
        ({"page": ["3"], "page_size": ["20"]}, 3, 20, 40),
        ({"page": ["0"], "page_size": ["0"]}, 1, 100, 0),
        ({"page": ["-1"], "page_size": ["-1"]}, 1, 100, 0),
        ({"page": ["1000000000000"]}, 10**12, 10, 10**13 - 10),
        ({"page": [str(2**63 - 1)], "page_size": ["100"]}, 2**63 - 1, 100, 2**62),
        ({"page": ["1", "2"]}, 2, 10, 10),
    ],
)
def test_pages_are_read(query: dict[str, list[str]], page: int, page_size: int, offset: int) -> None:
    listing = read_listing(query)
    assert (listing.page, listing.page_size, listing.offset) == (page, page_size, offset)


@pytest.mark.parametrize(
    "query",
    [{"page_size": ["101"]}, {"page_size": ["1000000000"]}, {"page_size": ["abc"]}, {"page": ["1.5"]}, {"page": [" 1"]},
     {"page": ["9223372036854775808"]}, {"page": ["1" * 5_000]}, {"page": ["٣"]}],
)  # fmt: skip
def test_a_page_out_of_bounds_is_422(query: dict[str, list[str]]) -> None:
    with pytest.raises(ListingInvalid) as caught:
        read_listing(query)
    assert (caught.value.status, caught.value.code) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize(
    ("page", "total", "link"),
    [
        (1, 0, None),
        (1, 10, None),
        (1, 11, '</api/v2.0/projects?page=2&page_size=10&q=name=~a,public=true>; rel="next"'),
        (
            2,
            30,
            (
                '</api/v2.0/projects?page=1&page_size=10&q=name=~a,public=true>; rel="prev" , '
                '</api/v2.0/projects?page=3&page_size=10&q=name=~a,public=true>; rel="next"'
            ),
        ),
        (3, 30, '</api/v2.0/projects?page=2&page_size=10&q=name=~a,public=true>; rel="prev"'),
        (9, 30, None),
    ],
)
def test_links_have_the_contracts_form(page: int, total: int, link: str | None) -> None:
    query = {"q": ["name=~a,public=true"], "page": [str(page)]}
    headers = page_headers("/api/v2.0/projects", query, Listing(page=page), total)
    assert headers["X-Total-Count"] == str(total)
    assert headers.get("Link") == link


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.text(max_size=20), min_size=1, max_size=2)))
@example({"q": ["name=~%00", "100 %"]})
def test_a_link_asks_for_the_same_and_breaks_no_header(query: dict[str, list[str]]) -> None:
    headers = page_headers("/p", query, Listing(page=2), 100)
    address = headers["Link"].split("; rel=")[0][1:-1]

    assert all(" " < character < "\x7f" for character in address)
    assert not set('<>"#') & set(address)
    followed: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlsplit(address).query, keep_blank_values=True, max_num_fields=100):
        followed.setdefault(name, []).append(value)
    expected = {name: values for name, values in query.items() if name not in {"page", "page_size"}}
    expected = {
        name.encode("utf-8", "replace").decode(): [value.encode("utf-8", "replace").decode() for value in values]
        for name, values in expected.items()
    }
    assert followed == {**expected, "page": ["1"], "page_size": ["10"]}


def test_a_column_of_another_table_is_refused_and_not_ignored() -> None:
    with pytest.raises(QueryInvalid):
        FIELDS.where(Listing(parse_q("principal.password=x")))
    with pytest.raises(QueryInvalid):
        FIELDS.order(Listing(sort=parse_sort("-principal.password")), "name")
