"""Every route for every role: nobody gets a page that is not for them, none fails."""

import pytest
from consoles import clinic

from devicelog.console.rights import MAY, RIGHTS
from devicelog.console.routes import TABLE
from devicelog.model.users import ROLES

GIVEN = {"code": "K4M7-T2XT", "name": "us-1", "word": "none", "id": "none"}
PAGES = [it for it in TABLE if it.method == "GET" and it.path != "/enter/{word}"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        yield made


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", PAGES, ids=lambda it: it.path)
def test_a_page_is_for_those_who_may(here, role, route):
    with here.client(role) as client:
        answer = client.get(route.path.format(**GIVEN))
    if route.right is None or route.right in MAY[role]:
        assert answer.status_code in (200, 303, 404), answer.text
    else:
        assert answer.status_code == 403


def test_each_right_is_somebodys_and_asked_for():
    assert {right for them in MAY.values() for right in them} == set(RIGHTS)
