"""Paths become files, each once and in order. A few empty files on disk: that is what is looked at."""

from pathlib import Path

from intake.gather import gather


def test_a_folder_gives_all_its_files_at_any_depth_sorted_whatever_their_kind(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.tif", "a.txt", "b/2.pdf", "b/.hidden"):
        (tmp_path / name).touch()
    assert [str(file.path.relative_to(tmp_path)) for file in gather([tmp_path])] == [
        "a.txt",
        "z.tif",
        "b/.hidden",
        "b/2.pdf",
    ]


def test_a_file_named_twice_is_taken_once_and_the_order_given_is_kept(tmp_path: Path) -> None:
    first, second = tmp_path / "1.tif", tmp_path / "2.tif"
    first.touch()
    second.touch()
    assert [file.path for file in gather([second, first, tmp_path, second])] == [second, first]


def test_what_is_missing_is_taken_along_with_the_reason(tmp_path: Path) -> None:
    (missing,) = gather([tmp_path / "missing.tif"])
    assert missing.failure is not None
    assert missing.failure.cause == "not_accessible"


def test_a_link_to_nothing_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "link.tif").symlink_to(tmp_path / "gone.tif")
    (found,) = gather([tmp_path])
    assert found.failure is not None
