"""The wheel as users install it: built, put into a clean environment, started outside the checkout."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.parts.base import Server, free_port
from tests.rest.recipes import MANIFEST
from tests.serving import Account

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import sys
from hatchling.builders.wheel import WheelBuilder
print(next(WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=["standard"])))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel; what it depends on is seen through a .pth file."""
    place = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT), str(place)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert built.returncode == 0, f"the wheel cannot be built (without a built page it needs npm): {built.stderr}"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
    library = next((place / "venv" / "lib").glob("python3*/site-packages"))
    wheel = built.stdout.strip().splitlines()[-1]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--prefix", str(place / "venv"), "--ignore-installed", wheel], check=True)
    # the dependencies, without the checkout's own editable install: its finder is a .pth file, which is not followed
    (library / "dependencies.pth").write_text(next(one for one in sys.path if one.endswith("site-packages")) + "\n")
    return place


def test_the_wheel_serves_page_and_registry_from_a_clean_environment(installed: Path) -> None:
    program = installed / "venv" / "bin" / "moorage"
    host = f"127.0.0.1:{free_port()}"
    admin = Account("admin", "Adm1n-of-the-wheel")
    clean = ["env", "-i", f"PATH={os.defpath}", f"MOORAGE_ADMIN_PASSWORD={admin.password}"]
    (installed / "elsewhere").mkdir()
    where = subprocess.run(
        [*clean, installed / "venv" / "bin" / "python", "-c", "import moorage; print(moorage.__file__)"],
        capture_output=True, text=True, check=True, cwd=installed / "elsewhere",
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(installed), "the checkout was started, and not the wheel"
    words = [*clean, str(program), "serve", "--data", str(installed / "data"), "--listen", host]
    server = Server(["env", f"--chdir={installed / 'elsewhere'}", *words], installed / "server.log")
    try:
        with httpx.Client(base_url=f"http://{host}", timeout=30) as client:

            def is_ready() -> bool:
                try:
                    return client.get("/readyz").status_code == 200
                except httpx.HTTPError:
                    return False

            server.wait(is_ready, what="moorage", seconds=60)
            _see_page(client)
            _push_and_pull(client, admin)
    finally:
        server.stop()
    assert "Traceback" not in (installed / "server.log").read_text()


def _see_page(client: httpx.Client) -> None:
    """The page and each of the files that it names."""
    page = client.get("/", headers={"accept": "text/html"}, follow_redirects=True)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assets = re.findall(r"(?:src|href)=\"(/[^\"]+\.(?:js|css))\"", page.text)
    assert any(one.endswith(".js") for one in assets), page.text[:2000]
    for asset in assets:
        found = client.get(asset)
        assert found.status_code == 200, asset
        assert len(found.content) > 100, asset


def _push_and_pull(client: httpx.Client, admin: Account) -> None:
    """One manifest with one blob, into the project that each registry has."""
    auth = (admin.username, admin.password)
    scope = {"service": "harbor-registry", "scope": "repository:library/app:pull,push"}
    token = client.get("/service/token", params=scope, auth=auth).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    blob = b"{}"
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    done = client.post(f"/v2/library/app/blobs/uploads/?digest={digest}", content=blob, headers=headers)
    assert done.status_code == 201, done.text
    config = f'{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{digest}","size":2}}'
    manifest = f'{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{config}]}}'.encode()
    put = {**headers, "content-type": MANIFEST}
    assert client.put("/v2/library/app/manifests/v1", content=manifest, headers=put).status_code == 201
    got = client.get("/v2/library/app/manifests/v1", headers={**headers, "accept": MANIFEST})
    assert (got.status_code, got.content) == (200, manifest)
    assert client.get(f"/v2/library/app/blobs/{digest}", headers=headers).content == blob
