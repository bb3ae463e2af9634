"""Which redirects lead on, and what they carry."""

import pytest

from penstock.commands.answer import Answer
from penstock.commands.redirect import redirected
from penstock.commands.request import Request
from penstock.commands.target import parse_target
from penstock.errors import BadJob

HERE = "http://a.test/dir/page?q=1"


def request(method: str = "GET", url: str = HERE) -> Request:
    return Request(
        method=method,
        target=parse_target(url),
        headers={"Authorization": "secret", "Content-Type": "text/plain"},
        about={"Job-Id": "7"},
        body=b"text" if method == "POST" else None,
    )


def answer(status: int, location: str) -> Answer:
    return Answer(status=status, headers={"location": location})


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/other", "http://a.test/other"),
        ("other", "http://a.test/dir/other"),
        ("?r=2", "http://a.test/dir/page?r=2"),
        ("//b.test/x", "http://b.test/x"),
        ("https://b.test/x", "https://b.test/x"),
        ("../../../x", "http://a.test/x"),
    ],
)
def test_a_location_is_read_from_where_it_was_told(location: str, url: str) -> None:
    onward = redirected(request(), answer(302, location))

    assert onward is not None
    assert onward.target.url == url


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize(("before", "after"), [("POST", "GET"), ("HEAD", "HEAD"), ("GET", "GET")])
def test_neither_method_nor_body_are_carried_on(status: int, before: str, after: str) -> None:
    onward = redirected(request(before), answer(status, "/other"))

    assert onward is not None
    assert (onward.method, onward.body) == (after, None)
    assert onward.headers == {"Authorization": "secret"}


@pytest.mark.parametrize("location", ["http://b.test/", "https://a.test/", "http://a.test:81/"])
def test_what_the_command_says_stays_within_its_origin(location: str) -> None:
    onward = redirected(request(), answer(302, location))

    assert onward is not None
    assert onward.headers == {}
    assert onward.about == {"Job-Id": "7"}


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_is_not_sent_a_second_time(status: int) -> None:
    assert redirected(request("POST"), answer(status, "/other")) is None
    assert redirected(request("GET"), answer(status, "/other")) is not None


@pytest.mark.parametrize("status", [200, 300, 304, 305, 400])
def test_other_answers_lead_nowhere(status: int) -> None:
    assert redirected(request(), answer(status, "/other")) is None


def test_without_a_location_it_ends() -> None:
    assert redirected(request(), Answer(status=302, headers={})) is None


def test_it_does_not_go_from_https_to_http() -> None:
    assert redirected(request(url="https://a.test/"), answer(302, "http://a.test/")) is None


@pytest.mark.parametrize(
    "location",
    [
        *(
            "ftp://a.test/",
            "http://u@a.test/",
            "http://exa\tmple.test/",
            "/\\evil.test",
            "http://[::1",
        ),
        *("http://0x7f.1/", "http://127.1/", "http://a.test/\udcff"),
    ],
)
def test_a_location_with_two_readings_is_refused(location: str) -> None:
    with pytest.raises(BadJob):
        redirected(request(), answer(302, location))
