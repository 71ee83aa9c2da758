"""Pool of models: found on disk, and checked to be comparable."""

import dataclasses

import pytest

from ssgan_tf.select import pool
from tests.support import tiny_run
from tests.support.odd_names import ODD_NAMES

CANDIDATE = pool.Candidate("a", "runs/a", 4, "f", "k", "semi_stylegan", 100, (8, 8, 3), 2, "fake/tiny", (0.1, 0.2))


def test_workdirs_are_found_by_patterns_each_once(tmp_path):
    for name in ("runs/b", "runs/a", "more/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "runs/notes").mkdir()
    expected = [f"{tmp_path}/{name}" for name in ("more/c", "runs/a", "runs/b")]
    patterns = [f"{tmp_path}/runs/*", f"{tmp_path}/more/c", f"{tmp_path}/runs/../runs/a"]
    assert pool.find_workdirs(patterns) == expected
    assert pool.find_workdirs(", ".join(patterns)) == expected
    with pytest.raises(FileNotFoundError, match="^workdirs: expected folders of runs. Received: no folder at '/no"):
        pool.find_workdirs("/nowhere/*")
    with pytest.raises(FileNotFoundError, match="^workdirs: .*1 folders without a config.json"):
        pool.find_workdirs(f"{tmp_path}/runs/notes")
    with pytest.raises(FileNotFoundError, match="^workdirs: expected patterns"):
        pool.find_workdirs([])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_workdir_of_any_name_is_found(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "config.json").write_text("{}")
    assert pool.find_workdirs(f"{tmp_path}/{name}") == pool.find_workdirs([f"{tmp_path}/{name}"])
    assert pool.find_workdirs(f"{tmp_path}/*") == [f"{tmp_path}/{name}"]


def test_models_are_comparable_if_they_agree_in_image_shape_and_number_of_codes():
    def check(mixed_codes: bool = False, **changes) -> None:
        other = dataclasses.replace(CANDIDATE, name="b", **changes)
        pool.check_comparable(pool.Pool((CANDIDATE, other)), mixed_codes)

    check()
    with pytest.raises(ValueError, match="expected models whose images have the same shape. Received: a: 8x8x3; b: 8"):
        check(shape=(8, 8, 1), mixed_codes=True)
    with pytest.raises(ValueError, match="^mixed_codes: .* Received: a: 2; b: 3. "):
        check(codes=3)
    check(codes=3, mixed_codes=True)
    with pytest.raises(ValueError, match=r"two models or more to compare. Received: 1 \(a; b is damaged\)"):
        pool.check_comparable(pool.Pool((CANDIDATE,), ("b is damaged.",)), False)


def test_a_checkpoint_that_training_removes_is_left_out_with_the_reason(tmp_path, monkeypatch) -> None:
    workdir = str(tiny_run.write_run(tmp_path / "run"))
    monkeypatch.setattr(pool.checkpoints, "steps_in", lambda folder: [3, tiny_run.STEP])  # 3 is gone by now
    found = pool.of_checkpoints(workdir, quiet=True)
    assert [member.step for member in found.members] == [tiny_run.STEP]
    assert found.left_out == ("step 3 was removed meanwhile, as the run is being trained.",)
    with pytest.raises(ValueError, match="^workdir: Checkpoint .*step-000000003 is not there, or no longer"):
        dataclasses.replace(found.members[0], step=3).load()
