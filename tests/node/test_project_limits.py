"""What a request is about: projects that it names in its path and in its arguments."""

import pytest

from aioscrapy_scrapyd.access import concerns
from aioscrapy_scrapyd.users import Role, User

ANN = User("ann", Role.ADMIN, "", frozenset({"mine", "also mine", "a"}))


@pytest.mark.parametrize(
    ("path", "named", "may"),
    [
        ("/listjobs.json", ["mine"], True),
        ("/listjobs.json", ["other"], False),
        ("/listjobs.json", ["mine", "other"], False),  # a service reads the first, the API reads the last
        ("/listjobs.json", ["other", "mine"], False),
        ("/api/v1/jobs", ["mine", "also mine"], True),
        ("/api/v1/jobs", ["mine", "other"], False),
        ("/api/v1/jobs", [], False),
        ("/api/v1/jobs", [""], False),
        ("/api/v1/jobs/mine/x", [], True),
        ("/api/v1/jobs/also%20mine/x", [], True),
        ("/api/v1/jobs/%6dine/x", [], True),
        ("/api/v1/jobs/other/x", ["mine"], False),
        ("/api/v1/projects/other/spiders", ["mine"], False),
        ("/logs/mine/s/x.log", [], True),
        ("/logs/mine/s/x.log", ["other"], False),
        ("/logs/other/s/x.log", ["mine"], False),
        ("//logs//other/s/x.log", [], False),
        ("/%6cogs/%6fther/s/x.log", [], False),
        ("/logs/%61/s/x.log", [], True),
        ("/logs/%2561/s/x.log", [], False),  # the folder of a project whose name is %61
        ("/logs/../items/other/x", [], False),
        ("/logs", [], False),
        ("/items/", [], False),
        ("/metrics", [], False),
        ("/metrics/x", [], False),
        ("/metrics/", ["mine"], False),  # it has all projects, whatever the arguments say
        ("/jobs", ["mine"], False),
        ("/logs", ["mine"], False),
        ("/items/", ["mine"], False),
        ("/status.json", ["mine"], True),
        ("/jobs/x", [], False),
        ("/status.json/x", [], False),
        ("/daemonstatus.json", [], True),
        ("/events", ["other"], False),
        ("/", [], True),
    ],
)
def test_a_user_of_some_projects_reads_no_other_one(path: str, named: list[str], may: bool) -> None:
    assert concerns(ANN, "GET", path, named) is may
