"""A real Label Studio: our configuration and tasks in through its API, annotations out, back to labelled data, and the same?

    python benchmarks/label_studio.py [--label-studio PROGRAM]

Starts the server on a free port of loopback, in a temporary folder, with its telemetry off; without --label-studio it is installed there
from its package first (some hundred megabytes). Exit code 1 and the first difference where anything does not come back.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from classifier import predict
from classifier import taxonomy as taxonomies
from classifier.annotation.formats import read, write
from classifier.documents.labelled import read_labelled

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "0123456789abcdef0123456789abcdef01234567"
QUIET = {
    "COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "FEATURE_FLAGS_OFFLINE": "true",
}  # fmt: skip
AWKWARD = "Månen 🌕 er full 👩‍👩‍👧.\r\nDet stoppet da e\u0301n sa nei 🇳🇴.\n  Det stoppet da pengene tok slutt <b>&amp; mer</b>."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label-studio", type=Path, help="an installed program `label-studio`")
    args = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        program = args.label_studio or install(folder / "venv")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        site = f"http://127.0.0.1:{port}"
        command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", port, "--data-dir", folder / "data"]
        command += ["--username", "test@example.org", "--password", "test-test", "--user-token", TOKEN]
        environment = os.environ | QUIET | {"HOST": site, "HOME": name}
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(list(map(str, command)), env=environment, stdout=log, stderr=log)
            try:
                wait_for(f"{site}/health", server, folder / "log")
                told = call(f"{site}/api/version")
                print("Label Studio", told.get("release") or told.get("label-studio-os-package", {}).get("version"))
                check(site, folder)
            finally:
                server.terminate()
                server.wait(30)


def install(venv: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "label-studio"], check=True)
    return venv / "bin/label-studio"


def wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            urlopen(url, timeout=2).read()
            return
        except (URLError, OSError):
            time.sleep(1)
    sys.exit(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def call(url: str, data: Any = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    request = Request(url, body, {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"})
    try:
        return json.loads(urlopen(request, timeout=120).read())
    except HTTPError as error:
        sys.exit(f"{url}: {error.code}: {error.read().decode(errors='replace')[:2000]}")


def project(site: str, made: Path, title: str) -> int:
    """A project with the configuration beside the tasks, and the tasks in it."""
    config = made.with_suffix(".xml").read_text(encoding="utf-8")
    number: int = call(f"{site}/api/projects/", {"title": title, "label_config": config})["id"]
    tasks = json.loads(made.read_text(encoding="utf-8"))
    done = call(f"{site}/api/projects/{number}/import?return_task_ids=true", tasks)
    print(f"{title}: configuration accepted; imported {done['task_count']} tasks, {done['annotation_count']} annotations, "
          f"{done['prediction_count']} predictions")  # fmt: skip
    return number


def exported(site: str, number: int, file: Path) -> Path:
    """The export of all tasks as JSON."""
    file.write_text(json.dumps(call(f"{site}/api/projects/{number}/export?exportType=JSON&download_all_tasks=true")), encoding="utf-8")
    return file


def compare(title: str, wanted: list[dict[str, Any]], got: list[dict[str, Any]]) -> None:
    ours = {r["id"]: r for r in got}
    for record in wanted:
        back = {k: v for k, v in ours[record["id"]].items() if k != "annotator"}
        if back != record:
            keys = [k for k in record.keys() | back.keys() if record.get(k, "–") != back.get(k, "–")]
            sys.exit(f"{title}: id {record['id']} differs: " + "; ".join(f"{k}: {record.get(k, '–')} -> {back.get(k, '–')}" for k in keys))
    if len(wanted) != len(got):
        sys.exit(f"{title}: {len(wanted)} went in, {len(got)} came out")
    print(f"{title}: {len(wanted)} records came back as they went in")


def check(site: str, folder: Path) -> None:
    taxonomy = taxonomies.shipped()
    records = read_labelled([ROOT / "labelled_data/test.jsonl"], taxonomy)[:100]
    codes = taxonomy["barriere"].codes
    spans = [{"start": m.start(), "end": m.end(), "labels": [codes[0], codes[1]]} for m in re.finditer(r"Det stoppet[^.]*", AWKWARD)]
    records.append({"id": "awkward", "text": AWKWARD, "kolonne": "=1+1", "type": [], "barriere": spans})
    write(folder / "labelled.json", records, taxonomy)
    number = project(site, folder / "labelled.json", "labelled data")
    compare("labelled data", records, read(exported(site, number, folder / "labelled-out.json"), taxonomy))

    tasks = [{"id": r["id"], "text": r["text"], "predicted": predict(r["text"]).to_dict()} for r in records[-20:]]
    write(folder / "tasks.json", tasks, taxonomy)
    number = project(site, folder / "tasks.json", "tasks with predictions")
    back = read(exported(site, number, folder / "tasks-out.json"), taxonomy)
    print(f"tasks with predictions: {sum('type' in r for r in back)} of {len(back)} count as annotated")
    write(folder / "answers.json", records[-20:], taxonomy)  # a person answers otherwise than the model; one task is skipped
    answers = {t["data"]["id"]: t["annotations"][0] for t in json.loads((folder / "answers.json").read_text(encoding="utf-8"))}
    there = call(f"{site}/api/tasks/?project={number}&page_size=100&fields=all")["tasks"]
    skipped = there[0]["data"]["id"]
    for task in there:
        annotation = answers[task["data"]["id"]] | ({"was_cancelled": True} if task["data"]["id"] == skipped else {})
        call(f"{site}/api/tasks/{task['id']}/annotations/", annotation)
    back = read(exported(site, number, folder / "answers-out.json"), taxonomy)
    (left_out,) = [r for r in back if r["id"] == skipped]
    if "type" in left_out:
        sys.exit("a skipped task counts as annotated")
    kept = {"id", "text", *(f.code for f in taxonomy.facets)}  # and marks, unless there were none: nobody was asked whether there are none

    def part(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        there = [r for r in some if r["id"] not in (skipped, "awkward")]
        return [{k: v for k, v in r.items() if k in kept or (k in ("evidence", "negatives") and v)} for r in there]

    compare("annotations posted over predictions", part(records[-20:]), part(back))
    print("annotators told apart:", sorted({r["annotator"] for r in back if "annotator" in r}))


if __name__ == "__main__":
    main()
