"""What a form sends, beside what a browser sends for it."""
# ruff: noqa: E501 a row is a page and what it sends

import pytest

from aioscrapy.http import FormRequest, HtmlResponse


def sent(html: str, **choice: object) -> str:
    """Return method, path with query and body of the request that a form makes."""
    page = HtmlResponse("http://h.test/p?old=1", body=html, encoding="utf-8")
    request = FormRequest.from_response(page, **choice)  # type: ignore[arg-type]  # any of its arguments
    return f"{request.method} {request.url.removeprefix('http://h.test')} {request.body.decode()}".strip()


@pytest.mark.parametrize(
    ("html", "request_line"),
    [
        # -- Which controls
        ("<form><input name=a value=1 disabled><input name=b value=2></form>", "GET /p?b=2"),
        ("<form><fieldset disabled><input name=a></fieldset><input name=b value=2></form>", "GET /p?b=2"),
        (
            "<form><fieldset disabled><legend><input name=a value=1></legend><input name=b></fieldset></form>",
            "GET /p?a=1",
        ),
        ("<form id=f action=/x></form><input form=f name=a value=1>", "GET /x?a=1"),
        ("<input form=f name=a value=1><form id=f><input name=b value=2></form>", "GET /p?a=1&b=2"),
        ("<form id=f><input name=a value=1><input form=other name=b value=2></form>", "GET /p?a=1"),
        ("<form><datalist><input name=a value=1></datalist><input name=b value=2></form>", "GET /p?b=2"),
        ("<form><input name=a value=1><input value=2><input name='' value=3></form>", "GET /p?a=1"),
        # -- Values
        (
            "<form><input type=button name=a value=1><input type=reset name=b><input name=c></form>",
            "GET /p?c=",
        ),
        ("<form><input type=CHECKBOX name=a checked><input type=checkbox name=b></form>", "GET /p?a=on"),
        (
            "<form><input type=radio name=a value=1><input type=radio name=a value=2 checked></form>",
            "GET /p?a=2",
        ),
        ("<form><input type=file name=a></form>", "GET /p?a="),
        (
            "<form><input type=radio name=a value=1 checked><input type=radio name=a value=2 checked></form>",
            "GET /p?a=2",
        ),
        ("<form><input type=hidden name=_charset_ value=x></form>", "GET /p?_charset_=UTF-8"),
        (
            "<form accept-charset=latin1><input type=hidden name=_charset_></form>",
            "GET /p?_charset_=windows-1252",
        ),
        ("<form><select name=s size=2><option>a</select><input name=b value=1></form>", "GET /p?b=1"),
        ("<form><select name=s size=1><option>a</select></form>", "GET /p?s=a"),
        ("<form><template><input name=a></template><input name=b value=2></form>", "GET /p?b=2"),
        ("<form><textarea name=t>\na\nb</textarea></form>", "GET /p?t=a%0D%0Ab"),
        ("<form><textarea name=t>\n\na</textarea></form>", "GET /p?t=%0D%0Aa"),
        ("<form><input type=hidden name=a value='1\n2'></form>", "GET /p?a=1%0D%0A2"),
        ("<form><input name=a value='1\n2'></form>", "GET /p?a=12"),
        ("<form><select name=s><option>  one  two </option><option>b</select></form>", "GET /p?s=one+two"),
        ("<form><select name=s><option disabled>a<option>b</select></form>", "GET /p?s=b"),
        ("<form><select name=s><option selected>a<option selected>b</select></form>", "GET /p?s=b"),
        ("<form><select name=s><option selected disabled>a<option>b</select></form>", "GET /p"),
        (
            "<form><select name=s><optgroup disabled><option>a</optgroup><option>b</select></form>",
            "GET /p?s=b",
        ),
        ("<form><select name=s multiple><option>a<option>b</select></form>", "GET /p"),
        (
            "<form><select name=s multiple><option selected>a<option selected>b</select></form>",
            "GET /p?s=a&s=b",
        ),
        ("<form><select name=s></select><input name=a value=1></form>", "GET /p?a=1"),
        # -- Buttons
        ("<form><input name=a value=1><button name=k value=2>go</button></form>", "GET /p?a=1&k=2"),
        ("<form><button name=k value=2>go</button><input name=a value=1></form>", "GET /p?k=2&a=1"),
        ("<form><button disabled name=a>x</button><button name=b value=1>y</button></form>", "GET /p?b=1"),
        ("<form><button type=button name=a>x</button><input name=b value=1></form>", "GET /p?b=1"),
        ("<form><button type=odd name=a value=1>x</button></form>", "GET /p?a=1"),
        ("<form><input type=image name=i src=x></form>", "GET /p?i.x=0&i.y=0"),
        ("<form><input type=image src=x></form>", "GET /p?x=0&y=0"),
        ("<form id=f action=/x></form><button form=f name=k value=1>go</button>", "GET /x?k=1"),
        (
            "<form action=/a method=post><button formaction=/b name=k value=1>go</button></form>",
            "POST /b k=1",
        ),
        ("<form action=/a><button formmethod=post name=k value=1>go</button></form>", "POST /a k=1"),
        # -- Where it goes
        ("<form action='/s?old=1'></form>", "GET /s"),
        ("<form action='/s?old=1#top'><input name=a value=1></form>", "GET /s?a=1"),
        ("<form action='/s?old=1' method=POST><input name=a value=1></form>", "POST /s?old=1 a=1"),
        ("<form method=dialog><input name=a value=1></form>", "GET /p?a=1"),
        ("<base href=/other/><form><input name=a value=1></form>", "GET /p?a=1"),
        ("<base href=/other/><form action=x><input name=a value=1></form>", "GET /other/x?a=1"),
        # -- Encodings
        ("<form accept-charset=koi8-r><input name=a value=я></form>", "GET /p?a=%D1"),
        ("<form accept-charset='odd latin1'><input name=a value=é></form>", "GET /p?a=%E9"),
        ("<form accept-charset=latin1><input name=a value=中></form>", "GET /p?a=%26%2320013%3B"),
        ("<form accept-charset=utf-16><input name=a value=é></form>", "GET /p?a=%C3%A9"),
    ],
)
def test_a_form_sends_what_a_browser_sends(html: str, request_line: str) -> None:
    assert sent(html) == request_line


def test_the_chosen_button_counts_and_the_others_do_not() -> None:
    html = "<form><button name=k value=1>a</button><button name=k value=2 formaction=/two>b</button></form>"
    assert sent(html, clickdata={"value": "2"}) == "GET /two?k=2"
    assert sent(html, dont_click=True) == "GET /p"
    assert sent(html, formdata={"k": "3"}) == "GET /p?k=3"


FORM = '<form method=post enctype="{}"><input name=a value="1 é"><input name=\'q"\' value=2><input type=file name=f><button {}>b</button></form>'
PARTS = """--BOUNDARY\r\nContent-Disposition: form-data; name="a"\r\n\r\n1 é\r\n\
--BOUNDARY\r\nContent-Disposition: form-data; name="q%22"\r\n\r\n2\r\n\
--BOUNDARY\r\nContent-Disposition: form-data; name="f"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n\
--BOUNDARY--\r\n"""
LINES = 'a=1 é\r\nq"=2\r\nf=\r\n'
QUERY = "a=1+%C3%A9&q%22=2&f="


@pytest.mark.parametrize(
    ("html", "headers", "kind", "body"),
    [
        (FORM.format("Multipart/Form-Data", ""), {}, "multipart/form-data; boundary=BOUNDARY", PARTS),
        (
            FORM.format("", "formenctype=multipart/form-data"),
            {},
            "multipart/form-data; boundary=BOUNDARY",
            PARTS,
        ),
        (FORM.format("text/plain", ""), {}, "text/plain", LINES),
        (FORM.format("other/type", ""), {}, "application/x-www-form-urlencoded", QUERY),
        (FORM.format("multipart/form-data", ""), {b"content-type": "x/y"}, "x/y", QUERY),
        (FORM.format("text/plain", "formmethod=get"), {}, None, ""),
    ],
)
def test_the_body_has_the_form_that_enctype_names(
    html: str, headers: dict, kind: str | None, body: str
) -> None:
    page = HtmlResponse("http://h.test/p", body=html, encoding="utf-8")
    request, again = (FormRequest.from_response(page, headers=headers) for _ in range(2))
    assert request.body == again.body  # the frontier compares it
    header = (request.headers.get("Content-Type") or b"").decode()
    boundary = header.partition("boundary=")[2] or "BOUNDARY"
    assert header.replace(boundary, "BOUNDARY") == (kind or "")
    assert request.body.decode().replace(boundary, "BOUNDARY") == body
