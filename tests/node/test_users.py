"""Users of a node: roles, hashes of passwords, and the brake on guessing."""

import pytest

from aioscrapy_scrapyd.logins import FAILURES, WINDOW_S, Logins, basic_login
from aioscrapy_scrapyd.users import Role, User, UserError, hash_password, password_matches, users_of


def test_a_hash_matches_its_password_only() -> None:
    secret = hash_password("pä$$ word")
    assert password_matches("pä$$ word", secret)
    assert not password_matches("pä$$ Word", secret)
    assert secret != hash_password("pä$$ word"), "no salt"


def test_scrapyds_own_user_is_an_admin_and_a_section_names_the_others() -> None:
    secret = hash_password("x")
    users = users_of("root", "plain", [("ann", f"viewer {secret}"), ("bob", f"Operator  {secret}")])
    assert users["root"] == User("root", Role.ADMIN, "plain")
    assert (users["ann"].role, users["bob"].role) == (Role.VIEWER, Role.OPERATOR)
    assert users["bob"].secret == secret


def test_half_a_login_is_none() -> None:
    assert users_of("root", "", []) == {}
    assert users_of("", "secret", []) == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "viewer",
        "boss scrypt$1$1$1$YQ==$YQ==",
        "admin secret",
        "admin scrypt$a$1$1$YQ==$YQ==",
        "admin scrypt$1$1$1$*$YQ==",
        "admin scrypt$1$1$1$YQ==",
    ],
)
def test_a_line_that_is_no_user_is_refused_without_its_secret(line: str) -> None:
    with pytest.raises(UserError, match=r"\[users\] ann") as refused:
        users_of("", "", [("ann", line)])
    assert "secret" not in str(refused.value)
    assert "YQ==" not in str(refused.value)


def test_a_colon_in_a_name_is_refused() -> None:
    with pytest.raises(UserError, match="colon"):
        users_of("a:b", "x", [])


def test_an_address_that_guesses_has_to_wait() -> None:
    now = [0.0]
    logins = Logins(users_of("root", "right", []), clock=lambda: now[0])
    for _ in range(FAILURES):
        assert not logins.must_wait("10.0.0.1")
        logins.failed("10.0.0.1")
    assert logins.must_wait("10.0.0.1")
    assert not logins.must_wait("10.0.0.2")
    now[0] += WINDOW_S + 1
    assert not logins.must_wait("10.0.0.1")


def test_a_login_that_matched_is_remembered_until_the_password_differs() -> None:
    logins = Logins(users_of("root", "right", []))
    assert logins.passed_before("root", "right") is None
    assert logins.matches("root", "right")
    assert not logins.matches("root", "wrong")
    assert not logins.matches("nobody", "right")
    logins.failed("here")
    assert logins.passed("root", "right").role is Role.ADMIN
    logins.forget_failures("here")
    assert logins.passed_before("root", "right") is not None
    assert logins.passed_before("root", "wrong") is None
    assert not logins.must_wait("here")


@pytest.mark.parametrize(
    ("header", "login"),
    [
        ("Basic YTpiOmM=", ("a", "b:c")),
        ("basic  YTpi", ("a", "b")),
        ("Basic YQ==", None),
        ("Basic ***", None),
        ("Basic /////w==", None),
        ("Bearer YTpi", None),
        ("", None),
    ],
)
def test_name_and_password_of_a_header(header: str, login: tuple[str, str] | None) -> None:
    assert basic_login(header) == login
