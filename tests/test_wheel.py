"""The wheel, installed into an empty environment."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_wheel_labels_from_any_folder(tmp_path: Path) -> None:
    """The wheel carries taxonomy, model and pages: installed alone, it labels and reports from another folder, by command and by import."""
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT], check=True, capture_output=True)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel], check=True, capture_output=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    text = "Kommunen har tatt i bruk en app der pasientene melder målinger hjemmefra. Det stoppet da prosjektpengene tok slutt."
    done = subprocess.run(
        [tmp_path / "env/bin/innovasjon", "predict", "--json", text], cwd=elsewhere, check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout)["language"] == "nb"
    code = "from classifier import predict; print(predict('Vi testar ein ny app').language)"
    done = subprocess.run([python, "-c", code], cwd=elsewhere, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "nn"
    done = subprocess.run([tmp_path / "env/bin/innovasjon", "taxonomy"], cwd=elsewhere, check=True, capture_output=True, text=True)
    assert "Tjenesteinnovasjon" in done.stdout
    for command in (["label", ROOT / "examples/projects.csv", "-o", "l.jsonl"], ["report", "l.jsonl", "--by", "år"]):
        subprocess.run([tmp_path / "env/bin/innovasjon", *command], cwd=elsewhere, check=True, capture_output=True)
    assert "</html>" in (elsewhere / "report.html").read_text(encoding="utf-8")
