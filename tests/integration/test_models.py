"""The models built at set-up: the right letters, and the same reading as the weights they were cut from."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from extract.engines import build_models, models
from schemas.errors import Unavailable

RECOGNISERS = ("rec-tiny", "rec-small")
SENTENCE = "Mrs J. O'Neill owes £41.50, due 03/11/2024 (ref. AB12 CDE)"
FONT = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"


def line_of_print(text: str) -> NDArray[np.float32]:
    """One line of print as the recognisers take it: (1, 3, 48, width), -1 black to 1 white."""
    font = ImageFont.truetype(FONT, 34)
    width = -(-int(font.getlength(text) + 24) // 8) * 8
    image = Image.new("L", (width, 48), 255)
    ImageDraw.Draw(image).text((12, 4), text, fill=0, font=font)
    grey = np.asarray(image, dtype=np.float32) / 127.5 - 1
    return np.broadcast_to(grey, (1, 3, *grey.shape)).copy()


def read(model: Path, letters: list[str], line: NDArray[np.float32]) -> str:
    """The text with the best class at every step: repeats are one letter, class 0 is none."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: line})
    best = scores[0].argmax(axis=1)
    starts = [int(now) for before, now in zip([0, *best[:-1]], best, strict=True) if now not in (before, 0)]
    return "".join(["", *letters][index] for index in starts)


def uncut(name: str) -> tuple[Path, list[str]]:
    """The weights a recogniser was cut from, and all their letters with the space."""
    weights = build_models.MODELS[name]
    source = build_models.locate(weights, weights.file)
    dictionary = build_models.locate(weights, weights.dictionary) if weights.dictionary else None
    return source, [*build_models.letters_of(build_models.onnx.load(source), dictionary), " "]


@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_recogniser_with_a_cut_head_reads_a_line_as_the_whole_one_does(name: str) -> None:
    line = line_of_print(SENTENCE)
    source, every_letter = uncut(name)
    from_cut = read(models.model_path(name), list(models.letters(name)), line)
    assert from_cut == read(source, every_letter, line)
    assert from_cut.replace(" ", "") == SENTENCE.replace(" ", "")


@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_cut_recogniser_knows_the_letters_of_english_and_welsh_post_and_of_names_and_no_others(name: str) -> None:
    letters = models.letters(name)
    assert len(letters) == len(set(letters)) == 186
    assert letters.endswith(" ")
    assert set("ABCXYZabcxyz0189£€&@'-/ŵŷŴŶâêîôûÂÊÎÔÛ") <= set(letters)
    assert set("ØøßÑŁł") <= set(letters)
    assert not set("ıćż") & set(letters)  # a speck or a lost dot makes them of plain letters
    assert [letter for letter in letters if ord(letter) > 0x2FFF] == []  # Chinese begins above


@pytest.mark.parametrize("name", build_models.MODELS)
def test_every_model_runs_and_is_the_file_the_manifest_describes(name: str) -> None:
    path = models.model_path(name)
    assert models.file_sha256(path) == models.model_sha256(name)
    onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_building_twice_changes_nothing_and_a_damaged_file_is_mended(tmp_path: Path) -> None:
    assert build_models.build(tmp_path) == list(build_models.MODELS)
    first = {path.name: models.file_sha256(path) for path in tmp_path.iterdir()}
    assert build_models.build(tmp_path) == []
    (tmp_path / "rec-tiny.onnx").write_bytes(b"cut off")
    assert build_models.build(tmp_path) == ["rec-tiny"]
    assert {path.name: models.file_sha256(path) for path in tmp_path.iterdir()} == first


def test_a_model_of_an_older_recipe_is_built_again(tmp_path: Path) -> None:
    build_models.build(tmp_path)
    manifest = tmp_path / models.MANIFEST_FILE
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    listed["models"]["rec-small"]["recipe"] = "an older one"
    manifest.write_text(json.dumps(listed), encoding="utf-8")
    assert build_models.build(tmp_path) == ["rec-small"]


def test_a_missing_model_folder_is_answered_with_the_command_that_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="make setup"):
        models.model_path("rec-tiny")


def test_an_unknown_model_is_answered_by_name() -> None:
    with pytest.raises(Unavailable, match="'rec-huge'"):
        models.letters("rec-huge")


def test_weights_without_a_wanted_letter_are_refused() -> None:
    source, every_letter = uncut("rec-tiny")
    with pytest.raises(Unavailable, match="does not know ☃"):
        build_models.cut_head(build_models.onnx.load(source), every_letter[:-1], "abc☃")
