"""What the tests of the commands share."""

import pytest
from system.commands.site import Site, served, virtual

from devicelog.drivers.simulated.serve import PtyPort


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """Two devices in treatment, recorded by a process. Change nothing in it."""
    folder = tmp_path_factory.mktemp("clinic")
    ports = [PtyPort(virtual(f"000{n}"), link=folder / f"us-{n}") for n in (1, 2)]
    site = Site(folder)
    site.device("us-1", ports[0].link, label="Ultrasound, room 1")
    site.device("us-2", ports[1].link, serial="0002")
    site.device("bad", "nowhere")
    with served(*ports), site.write().recording() as process:
        site.process = process
        site.ports = ports
        yield site


@pytest.fixture
def site(tmp_path):
    """An empty site."""
    return Site(tmp_path)
