"""Measures how many images one process draws and encodes as PNG per second of its CPU time.

    OPENBLAS_NUM_THREADS=1 python -m scene3d.speed demo 32       # in tfds_builders/

CPU time makes the result nearly independent of other programs; one thread is what each process of a build has.
"""

from __future__ import annotations

import argparse
import time

from . import scenes, workers


def measure(name: str, resolution: int, seconds: float) -> tuple[float, float]:
    """Returns images per CPU second (drawn, drawn and encoded), measured for `seconds` on views of the whole scene."""
    scene = scenes.find(name)
    views = scenes.combinations(scene, scene.view)
    drawing = encoding = 0.0
    count = number = 0
    while drawing + encoding < seconds:
        view = views[number * 37 % len(views)]  # 37 divides no number of views, so all of them take their turn.
        number += 1
        start = time.process_time()
        images = [image for _, image in scenes.draw_view(scene, resolution, view)]
        drawing += (drawn := time.process_time()) - start
        for image in images:
            workers.encode_png(image)
        encoding += time.process_time() - drawn
        count += len(images)
    return count / drawing, count / (drawing + encoding)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="scene3d.speed", description="Images per second of CPU time.")
    parser.add_argument("scene", choices=sorted(scenes.SCENES))
    parser.add_argument("resolution", type=int, choices=scenes.RESOLUTIONS)
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU time to measure for (5)")
    arguments = parser.parse_args()
    drawn, encoded = measure(arguments.scene, arguments.resolution, arguments.seconds)
    print(
        f"{arguments.scene}, {arguments.resolution}x{arguments.resolution}: {drawn:,.0f} images per CPU second; "
        f"{encoded:,.0f} including PNG encoding"
    )


if __name__ == "__main__":
    _main()
