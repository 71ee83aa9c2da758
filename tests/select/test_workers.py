"""Tasks of a selection in one and in several processes."""

import dataclasses

import numpy as np
import pytest

from ssgan_tf.select import workers
from ssgan_tf.select.cache import PairCache, digest_images
from ssgan_tf.utils.progress_bar import make_bar
from tests.support.run_files import files_in
from tests.support.toy_models import GOOD, MIXED, SETTINGS, ToyMember, quiet_bar


@pytest.mark.slow
def test_processes_compute_the_same_bits_and_continue_after_one_was_killed(tmp_path):
    members = [*GOOD, MIXED, ToyMember("other", turned=7)]
    images = np.random.default_rng(0).integers(0, 256, (300, 2, 4, 1), np.uint8)
    np.save(tmp_path / "images.npy", images)

    def tasks(folder: str, pool) -> list:
        cache = PairCache(str(tmp_path / folder), SETTINGS)
        codes = workers.missing_codes(pool, str(tmp_path / "images.npy"), 300, digest_images(images), cache)
        return [*workers.missing_pairs(pool, cache), *codes]

    with make_bar(31_500, "img") as progress:
        workers.run_tasks(tasks("one", members), 1, progress)
    assert progress.n == 5 * (5 * 1200 + 300)
    killing = [dataclasses.replace(m, kills=str(tmp_path / "killed")) if m.name == "other" else m for m in members]
    with pytest.raises(ChildProcessError, match="^processes: .* Run the selection again to continue"):
        workers.run_tasks(tasks("two", killing), 2, quiet_bar())
    assert len(files_in(tmp_path / "two")) < 30
    workers.run_tasks(tasks("two", killing), 2, quiet_bar())
    assert files_in(tmp_path / "two") == files_in(tmp_path / "one") and len(files_in(tmp_path / "one")) == 30
