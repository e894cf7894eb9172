# JupyterLab as `hv notebook` starts it: the page, the notebooks, and a kernel that runs one.
"""`hv notebook`, for real: a server of its own, asked over HTTP."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from urllib.parse import urlsplit

import pytest
import websocket

from pyhv.api.waiting import waiting
from pyhv.paths import ROOT

PROGRAM = [sys.executable, "-c", "from pyhv.command import run; run()", "notebook"]
TOKEN = "of-this-test"
TIMEOUT = 60.0


class Server:
    """A server that runs, and how to ask it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> bytes:
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str) -> bytes:
        return self._ask(urllib.request.Request(self.url + path, data=b"{}", method="POST"))

    def _ask(self, request: urllib.request.Request) -> bytes:
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read()

    def run(self, cells: list[str]) -> list[dict]:
        """Have a new kernel execute cells; return its answers."""
        kernel = json.loads(self.post("api/kernels"))["id"]
        place = urlsplit(self.url).netloc
        line = websocket.create_connection(
            f"ws://{place}/api/kernels/{kernel}/channels?token={TOKEN}", timeout=TIMEOUT)
        try:
            return [self._execute(line, cell) for cell in cells]
        finally:
            line.close()

    def _execute(self, line, code: str) -> dict:
        number = uuid.uuid4().hex
        line.send(json.dumps({
            "channel": "shell", "parent_header": {}, "metadata": {}, "buffers": [],
            "header": {"msg_id": number, "msg_type": "execute_request", "username": "",
                       "session": "test", "version": "5.3"},
            "content": {"code": code, "silent": False, "store_history": True,
                        "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}}))
        while True:
            heard = json.loads(line.recv())
            if heard["msg_type"] == "execute_reply" and heard["parent_header"]["msg_id"] == number:
                return heard["content"]


@pytest.fixture
def server(tmp_path):
    (tmp_path / "config").mkdir()
    settings = {"ServerApp": {"open_browser": False, "port": 0}}
    (tmp_path / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
    own = {name: str(tmp_path / name.rsplit("_", 2)[1].lower()) for name in
           ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    environment = os.environ | own | {"JUPYTER_TOKEN": TOKEN,
                                      "PYTHONPATH": str(ROOT / "pyhv" / "src")}
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen(PROGRAM, env=environment, stdout=said, stderr=said,
                                   start_new_session=True)
        try:
            for _ in waiting(TIMEOUT):
                if found := list((tmp_path / "runtime").glob("jpserver-*.json")):
                    break
                assert process.poll() is None, (tmp_path / "said").read_text()
            yield Server(json.loads(found[0].read_text())["url"])
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def test_the_lab_serves_the_notebooks_and_runs_them(server):
    assert b"JupyterLab" in server.get("lab")
    shown = json.loads(server.get("api/contents"))["content"]
    names = {one["name"] for one in shown}
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= names
    notebook = json.loads(server.get("api/contents/tour.ipynb"))["content"]
    assert notebook["cells"]
    cells = ["import pyhv", "hv = pyhv.hosted()", "hv.domains.table()", "hv.close()"]
    assert [answer["status"] for answer in server.run(cells)] == ["ok"] * 4
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(server.url + "api/contents", timeout=TIMEOUT)
