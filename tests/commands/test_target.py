"""A URL is read in one way, or refused."""

import pytest

from penstock.commands.target import MAX_URL, Target, check_letters, parse_target
from penstock.errors import BadJob

READ = [
    ("http://example.test", "http://example.test/"),
    ("HTTP://Example.TEST/Path", "http://example.test/Path"),
    ("https://example.test:443/", "https://example.test/"),
    ("https://example.test:80/", "https://example.test:80/"),
    ("http://example.test:8080?q=1", "http://example.test:8080/?q=1"),
    ("http://example.test./a", "http://example.test/a"),
    ("http://example.test/a#fragment", "http://example.test/a"),
    ("http://example.test/a?b=/c@d:e?f", "http://example.test/a?b=/c@d:e?f"),
    ("http://my_service:9000/", "http://my_service:9000/"),
    (
        "http://example.test/%2F/../x/%7e?sig=a%2Bb+c",
        "http://example.test/%2F/../x/%7e?sig=a%2Bb+c",
    ),
    ("http://example.test/ä?x=ö", "http://example.test/%C3%A4?x=%C3%B6"),
    ('http://example.test/"<>^`{|}', "http://example.test/%22%3C%3E%5E%60%7B%7C%7D"),
    ("http://bücher.test/", "http://xn--bcher-kva.test/"),
    ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
    ("http://[::1]:8080/", "http://[::1]:8080/"),
    ("http://[0:0::1]/", "http://[::1]/"),
    ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1/"),
    ("http://1.2.3.4.test/", "http://1.2.3.4.test/"),
    ("http://example.test/__JOBID__?id=__JOBID__", "http://example.test/__JOBID__?id=__JOBID__"),
]

REFUSED = [
    *("", "example.test", "/path", "//example.test/", "http:/example.test/", "http:example.test"),
    *("http://", "http:///path", "http://:80/", "http://?q", "http://#f"),
    *("file:///etc/passwd", "ftp://example.test/", "gopher://example.test/", "javascript:x"),
    *("http://user@example.test/", "http://user:pass@example.test/", "http://@example.test/"),
    *("http://allowed.test\\@127.0.0.1/", "http://127.0.0.1\\.allowed.test/", "http:\\\\a.test/"),
    *("http://exa\tmple.test/", "http://example.test/\n", " http://example.test/", "http://a b/"),
    *("http://example.test/a b", "http://example.test/\x00", "http://example.test/\x7f"),
    *("http://example.test/\u2028", "http://example.test/\ud800", "http://example.test/\u200b"),
    *("http://example.test:/", "http://example.test:0/", "http://example.test:65536/"),
    *("http://example.test:080/", "http://example.test:+80/", "http://example.test:8 0/"),
    *("http://example.test:٨٠/", "http://example.test:http/", "http://a:80:80/"),
    *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/"),
    *("http://0177.0.0.1/", "http://127.0.0.01/", "http://127.0.0.1.1/", "http://1.2.3.256/"),
    *("http://foo.0x7f/", "http://foo.1/", "http://0x/", "http://00000000177.0.0.1/"),
    *("http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://ｌocalhost/"),  # noqa: RUF001
    *("http://127。0。0。1/", "http://example。test/", "http://ﬁle.test/"),
    *(
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
    ),
    *("http://[127.0.0.1]/", "http://[::g]/", "http://[]/", "http://[[::1]]/"),
    *("http://__JOBID__.evil.test/", "http://a__JOBID__/", "http://a.test:__JOBID__/"),
    *("http://__JOBID__@a.test/", "http://[::__JOBID__]/"),
    *("http://exa%6dple.test/", "http://a..test/", "http://.test/", "http://-a.test/"),
    *("http://a-.test/", f"http://{'a' * 64}.test/", f"http://{'a.' * 127}test/", "http://a,b/"),
    *("http://\u00ad.test/", "http://a\u200d.test/", f"http://a.test/{'x' * MAX_URL}"),
]


@pytest.mark.parametrize(("url", "expected"), READ)
def test_a_clear_url_is_read(url: str, expected: str) -> None:
    assert parse_target(url).url == expected


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_with_two_readings_is_refused_with_its_field(url: str) -> None:
    with pytest.raises(BadJob) as refused:
        parse_target(url)

    [error] = refused.value.errors
    assert error.field == "url"
    assert error.detail.isprintable()


def test_what_is_read_stays_the_same_when_read_again() -> None:
    for url, _ in READ:
        target = parse_target(url)
        assert parse_target(target.url) == target


def test_the_parts_are_told() -> None:
    target = parse_target("https://[2001:DB8::1]:8443/a?b")

    assert target == Target(
        scheme="https",
        host="2001:db8::1",
        port=8443,
        path="/a?b",
        address=target.address,
    )
    assert str(target.address) == "2001:db8::1"
    assert target.origin == "https://[2001:db8::1]:8443"


def test_the_longest_url_is_read() -> None:
    start = "http://example.test/"

    assert len(parse_target(start + "x" * (MAX_URL - len(start))).url) == MAX_URL


@pytest.mark.parametrize("letter", ["\\", " ", "\t", "\r", "\n", "\x1b", "\u00a0", "\u202e"])
def test_letters_that_readers_drop_or_turn_are_refused(letter: str) -> None:
    with pytest.raises(BadJob):
        check_letters(f"/a{letter}b")
