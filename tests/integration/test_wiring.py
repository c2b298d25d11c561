"""The real tools of a worker."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from intake.wiring import LayoutWhenNeeded, use_one_thread
from schemas.errors import Unavailable


def test_a_worker_keeps_opencv_to_one_thread() -> None:
    use_one_thread()
    assert cv2.getNumThreads() == 1


def test_the_layout_engine_is_loaded_only_when_a_page_asks_for_it() -> None:
    code = "import sys, intake.wiring as w; w.LayoutWhenNeeded(); sys.exit('pandas' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"], check=False
        ).returncode
        == 0
    )
    layout = LayoutWhenNeeded()
    assert layout.find(np.full((400, 300), 255, np.uint8)) == []
    assert layout.name.startswith("layout/")


def test_a_missing_layout_model_is_found_at_the_start(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_MODELS", str(tmp_path))
    with pytest.raises(Unavailable, match="make setup"):
        LayoutWhenNeeded()
