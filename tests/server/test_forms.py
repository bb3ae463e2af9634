"""Forms as PHP reads them."""

import pytest

from penstock.errors import BadJob
from penstock.serialization import JSON
from penstock.server.forms import MAX_FIELDS, multipart, parameters, urlencoded

PART = 'Content-Disposition: form-data; name="{}"'


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=b+c%20d%2B", {"a": "b c d+"}),
        ("a=%F0%9F%9A%B0&ä=ö", {"a": "🚰", "ä": "ö"}),
        ("a[b]=1&a[c][d]=2", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("a%5Bb%5D=1", {"a": {"b": "1"}}),
        ("a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        ("a[1]=x&a[0]=y", {"a": {"1": "x", "0": "y"}}),
        ("a[0][b]=x&a[1][b]=y", {"a": [{"b": "x"}, {"b": "y"}]}),
        ("a[][b]=x", {"a": [{"b": "x"}]}),
        ("0=x", {"0": "x"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("priority=7", {"priority": 7}),
        ("priority=-5", {"priority": -5}),
        ("priority=high", {"priority": "high"}),
        ("priority=7.5", {"priority": 7.5}),
        ("priority=\u0667", {"priority": "\u0667"}),
        ("priority=" + "9" * 30, {"priority": "9" * 30}),
        ("command[timeout]=20", {"command": {"timeout": 20}}),
        ("callback_done[timeout]=0.5", {"callback_done": {"timeout": 0.5}}),
        ("command[params][priority]=7", {"command": {"params": {"priority": "7"}}}),
    ],
)
def test_a_form_means_an_object(form: str, meant: JSON) -> None:
    assert urlencoded(form.encode()) == meant


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (b"a=\xff", "body"),
        (b"a=%FF", "body"),
        (b"a=1&a=2", "a"),
        (b"a=1&a[b]=2", "a[b]"),
        (b"a[b]=1&a=2", "a"),
        (b"a[b]=1&a[b]=2", "a[b]"),
        (b"a[b]=1&a[b][c]=2", "a[b][c]"),
        (b"a[=1", "body"),
        (b"a]=1", "body"),
        (b"[a]=1", "body"),
        (b"=1", "body"),
        (b"a[b]c=1", "body"),
        (b"a[[b]]=1", "body"),
        (b"a" + b"[b]" * 32 + b"=1", "body"),
        (b"&".join(b"a%d=1" % n for n in range(MAX_FIELDS + 1)), "body"),
    ],
)
def test_a_form_that_means_nothing_certain_is_refused(form: bytes, field: str) -> None:
    with pytest.raises(BadJob) as caught:
        urlencoded(form)

    assert [error.field for error in caught.value.errors] == [field]


def body(*parts: str, end: str = "--b--\r\n") -> bytes:
    """A multipart body with the boundary b."""
    return ("".join(f"--b\r\n{part}\r\n" for part in parts) + end).encode()


def test_a_multipart_form_means_an_object() -> None:
    sent = body(
        f"{PART.format('command[type]')}\r\n\r\nmail",
        f"Content-Type: text/plain\r\n{PART.format('command[params][a]')}\r\n\r\nx\r\n\r\ny--b",
        "content-disposition:form-data;name=priority\r\n\r\n7",
        f"{PART.format('ä')}\r\n\r\n",
    )

    assert multipart(b"preamble\r\n" + sent + b"epilogue", "b") == {
        "command": {"type": "mail", "params": {"a": "x\r\n\r\ny--b"}},
        "priority": 7,
        "ä": "",
    }


def test_a_multipart_form_may_be_empty() -> None:
    assert multipart(b"--b--", "b") == {}


@pytest.mark.parametrize(
    ("sent", "boundary", "field"),
    [
        (body(f"{PART.format('a')}\r\n\r\n1"), "", "body"),
        (body(f"{PART.format('a')}\r\n\r\n1"), "other", "body"),
        (b"", "b", "body"),
        (body(f"{PART.format('a')}\r\n\r\n1", end=""), "b", "body"),
        (body(f"{PART.format('a')}\r\n\r\n1", end="--b"), "b", "body"),
        (body(f"{PART.format('a')}\r\n1"), "b", "body"),
        (body("\r\n\r\n1"), "b", "body"),
        (body("Content-Disposition: form-data\r\n\r\n1"), "b", "body"),
        (body("Content-Type: text/plain\r\n\r\n1"), "b", "body"),
        (b"--bx\r\n\r\n--b--", "b", "body"),
        (body(f'{PART.format("a")}; filename="x.sh"\r\n\r\n1'), "b", "a"),
        (body(f"{PART.format('a')}\r\n\r\n1", f"{PART.format('a')}\r\n\r\n2"), "b", "a"),
        (body(f"{PART.format('a[')}\r\n\r\n1"), "b", "body"),
        (body(f"{PART.format('a')}\r\n\r\n").replace(b"\r\n\r\n", b"\r\n\r\n\xff"), "b", "body"),
        (body(*[f"{PART.format(f'a{n}')}\r\n\r\n1" for n in range(MAX_FIELDS + 1)]), "b", "body"),
    ],
)
def test_a_multipart_form_that_means_nothing_certain_is_refused(
    sent: bytes, boundary: str, field: str
) -> None:
    with pytest.raises(BadJob) as caught:
        multipart(sent, boundary)

    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("form-data", {}),
        ('form-data; name="a b"; FileName=x', {"name": "a b", "filename": "x"}),
        ("form-data;name=a", {"name": "a"}),
        (r'form-data; name="a\"b\\c"', {"name": 'a"b\\c'}),
        ('form-data; name=""', {"name": ""}),
        ('form-data; name="a;b=c"', {"name": "a;b=c"}),
        ('form-data; name="open', {}),
        (
            "multipart/form-data; boundary*0*=x; charset*=idna''a",
            {"boundary*0*": "x", "charset*": "idna''a"},
        ),
    ],
)
def test_the_parameters_of_a_header_are_told(header: str, meant: dict[str, str]) -> None:
    assert parameters(header) == meant
