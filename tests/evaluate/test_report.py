"""Table of scores: every score once, with its interval, and a sentence on what has no score; merged evaluations."""

import re

from ssgan_tf.evaluate.report import merge
from ssgan_tf.evaluate.score_table import to_text

SCORES: dict = {
    "encoder": {"mig": 0.965, "mig/gap/shape": 0.8, "mig/gap/hue": 0.9, "factor_vae": 1.0, "factor_vae/whole_grid": 0},
    "generator": {"mig": 0.83, "mig/gap/hue": 0.7, "l2": 0.175, "factor_vae": 0.5, "factor_vae/whole_grid": 0},
    "images": {"frechet_oracle": 0.0241},
    "intervals": {"encoder": {"mig": [0.96, 0.97]}, "generator": {}, "images": {}},
    "refused": {"encoder": {"l2": "there is no such thing"}, "generator": {}, "images": {}},
    "oracle": {"mig": 0.95, "l2": 0.055, "l2/samples": 3110},
    "chance_l2": 1.173,
    "settings": {
        "samples_encoder": 9000,
        "samples_generator": 10000,
        "labels": 778,
        "labeled_fraction": 0.025,
        "images_trained": 420000,
        "bins": 20,
        "seed": 3,
        "features": None,
        "bootstrap": {"mig": 200},
    },
}


def test_the_whole_table():
    assert to_text(SCORES) == "\n".join(
        [
            "                                encoder                   generator",
            "MIG                             0.965 [0.960, 0.970]      0.830",
            "L2                              -                         0.175",
            "FactorVAE                       1.000                     0.500",
            "images                          9,000                     10,000",
            "",
            "oracle, on 3,110 held-out images: MIG 0.950, L2 0.055; L2 by chance: 1.173",
            "",
            "Frechet (oracle)                0.024",
            "",
            "MIG per factor                  encoder                   generator",
            "  shape                         0.800                     -",
            "  hue                           0.900                     0.700",
            "",
            "Labels used: 778 images (eta = 2.5 %). Trained with 420,000 images; 20 bins, seed 3.",
            "[low, high]: 95 % intervals from 200 bootstrap replicates of the images.",
            "FactorVAE: groups were sampled from the evaluated images, which are not the whole grid.",
            "No L2 of encoder: there is no such thing",
        ]
    )


def test_the_generators_scores_stand_beside_ceiling_and_chance():
    more = {
        "ceiling": {"mig": 0.97, "l2": 0.05}, "chance": {"mig": 0.01, "l2": 1.17},
        "oracle": {**SCORES["oracle"], "exact_match": 0.98},
        "second_oracle": {"mig": 0.9, "l2": 0.08, "exact_match": 0.9},
        "agreement": {"real": 0.91, "generated": 0.5},
    }  # fmt: skip
    lines = to_text({**SCORES, **more}).splitlines()
    assert lines[0].split() == ["encoder", "generator", "ceiling", "chance"]
    assert lines[1].split() == ["MIG", "0.965", "[0.960,", "0.970]", "0.830", "0.970", "0.010"]
    assert lines[3].split() == ["FactorVAE", "1.000", "0.500", "-", "-"]
    assert lines[6:9] == [
        "oracle, on 3,110 held-out images: MIG 0.950, L2 0.055, all factors right 98.0 %; L2 by chance: 1.173",
        "second oracle: MIG 0.900, L2 0.080, all factors right 90.0 %",
        "Both read the same value of every factor in 50.0 % of generated images and 91.0 % of real images.",
    ]


def test_effects_of_sliders_have_a_line_each_and_weak_ones_a_sentence():
    effects = {"shape": (1.02, 0.9, 0.1), "hue": (0.06, 0.2, 0.3), "scale": (1.5, 0.4, 0.61)}
    parts = ("ratio", "correlation", "outside")
    sliders = {f"sliders/{p}/{n}": v for n, values in effects.items() for p, v in zip(parts, values, strict=True)}
    reading = {"read_sliders/effect/hue": 0.9, "read_sliders/others/hue": 0.25}
    scores = {**SCORES, "images": {"sliders": 0.5, **sliders}, "generator": reading}
    lines = to_text(scores).partition("effect of a slider")[2].splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["shape", "1.020", "0.900", "0.100"], ["hue", "0.060", "0.200", "0.300"], ["scale", "1.500", "0.400", "0.610"],
    ]  # fmt: skip
    assert lines[4].split("  ")[0] == "effect, as the oracle reads it" and lines[5].split() == ["hue", "0.900", "0.250"]
    assert lines[6:8] == [
        "hue: no visible effect; images change 6 % as much as real ones.",
        "scale: 61 % of the change is where real images do not change.",
    ]


def test_with_few_images_the_encoders_mistakes_are_shown():
    encoder = {"exact_match": 0.5, "exact_match/accuracy/shape": 0.75}
    mistakes = {"shape": {"values": ["cube", "ball"], "counts": [[9, 3], [0, 12]]}}
    settings = {**SCORES["settings"], "samples_encoder": 24}
    intervals = {"encoder": {"exact_match/accuracy/shape": [0.55, 0.9]}}
    scores = {**SCORES, "encoder": encoder, "confusion": mistakes, "settings": settings, "intervals": intervals}
    lines = to_text(scores).splitlines()
    first = lines.index("read right by the encoder")
    assert [line.split() for line in lines[first + 1 : first + 5]] == [
        ["shape", "0.750", "[0.550,", "0.900]"], ["shape", "cube", "ball"], ["cube", "9", "3"], ["ball", "0", "12"],
    ]  # fmt: skip
    scores["encoder"]["mig"] = 0.4
    assert "MIG of 24 images in 20 bins says little; see L2 and accuracy." in to_text(scores).splitlines()
    assert "cube" not in to_text({**scores, "settings": {**settings, "samples_encoder": 5000}})


def test_scores_on_images_of_the_training_come_after_the_others():
    seen = {"encoder_seen": {"mig": 0.99, "l2": 0.004}, "generator_seen": {"mig": 0.8}, "images_seen": {"psnr": 30.5}}
    settings = {**SCORES["settings"], "scored_on": "held-out images", "seen": "training images", "samples_seen": 1234}
    lines = to_text({**SCORES, **seen, "settings": settings}).splitlines()
    first = lines.index("On 1,234 training images, to compare with the held-out images above:")
    assert [line.split() for line in lines[first + 1 : first + 5]] == [
        ["encoder", "generator"], ["MIG", "0.990", "0.800"], ["L2", "0.004", "-"], ["PSNR", "30.500"],
    ]  # fmt: skip
    assert "Scored on held-out images." in lines


def test_only_scores_that_exist_are_shown():
    images_only = {
        **SCORES,
        "encoder": {},
        "generator": {},
        "refused": {},
        "settings": {**SCORES["settings"], "bootstrap": {}},
    }
    text = to_text(images_only)
    assert text.splitlines()[0] == "Frechet (oracle)                0.024"
    assert "MIG" not in text and "[low" not in text and "groups" not in text


def one_metric(**changes) -> dict:
    """Content of a later evaluation of FactorVAE and L2 only."""
    return {
        **SCORES,
        "encoder": {"factor_vae": 0.75, "l2": 0.1},
        "generator": {"factor_vae": 0.25, "l2": 0.2},
        "images": {},
        "intervals": {"encoder": {"factor_vae": [0.7, 0.8]}, "generator": {}, "images": {}},
        "refused": {"encoder": {}, "generator": {}, "images": {}},
        "settings": {**SCORES["settings"], "bootstrap": {"factor_vae": 50}, **changes},
    }


def test_a_later_metric_is_added_and_a_repeated_one_is_replaced_entirely():
    found = merge(one_metric(), SCORES)
    assert found["encoder"] == {"mig": 0.965, "mig/gap/hue": 0.9, "mig/gap/shape": 0.8, "factor_vae": 0.75, "l2": 0.1}
    assert found["generator"]["l2"] == 0.2 and "factor_vae/whole_grid" not in found["generator"]
    assert found["images"] == SCORES["images"]
    assert found["intervals"]["encoder"] == {"mig": [0.96, 0.97], "factor_vae": [0.7, 0.8]}
    assert found["refused"]["encoder"] == {}
    assert found["settings"]["bootstrap"] == {"mig": 200, "factor_vae": 50}
    assert "from 50 or 200 bootstrap replicates" in to_text(found)


def on_features(fingerprint: str, **images) -> dict:
    """Content of a later evaluation on the features of a network."""
    settings = {**SCORES["settings"], "bootstrap": {}, "features": {"network": "net.keras", "fingerprint": fingerprint}}
    nothing: dict = {"encoder": {}, "generator": {}, "images": {}}
    return {**SCORES, **nothing, "images": images, "intervals": nothing, "refused": nothing, "settings": settings}


def test_scores_on_features_are_added_but_those_of_another_network_are_replaced():
    once = merge(on_features("a", fid=1.0, precision=0.5, recall=0.25), SCORES)
    assert once["encoder"] == SCORES["encoder"]
    assert once["images"] == {"frechet_oracle": 0.0241, "fid": 1.0, "precision": 0.5, "recall": 0.25}
    again = merge(one_metric(), once)
    assert again["images"] == once["images"] and again["settings"]["features"]["fingerprint"] == "a"
    same = merge(on_features("a", kid=0.1), again)
    assert same["images"] == {**once["images"], "kid": 0.1}
    other = merge(on_features("b", kid=0.1), again)
    assert other["images"] == {"frechet_oracle": 0.0241, "kid": 0.1}
    assert other["settings"]["features"]["fingerprint"] == "b"


def test_small_scores_are_shown():
    images = {"kid": 0.000423, "frechet_oracle": 0.0}
    text = to_text({**SCORES, "images": images, "intervals": {"images": {"kid": [0.0001, 0.0007]}}})
    assert "0.000423 [0.000100, 0.000700]" in text and "Frechet (oracle)                0.000" in text


def test_scores_of_other_images_or_settings_are_dropped():
    for new in (one_metric(images_trained=1), one_metric(bins=10), {**one_metric(), "oracle": {"mig": 0.5}}):
        assert merge(new, SCORES) == new


def test_codes_of_a_method_without_labels_are_listed_below_the_factors():
    encoder = {"mig": 0.3, "mig/gap/shape": 0.4, "mig/gap/hue": 0.2}
    generator = {"mig": 0.1, "mig/gap/latent_0": 0.15, "mig/gap/latent_1": 0.05}
    text = to_text({**SCORES, "encoder": encoder, "generator": generator, "intervals": {}})
    rows = [line.split() for line in text.partition("MIG per factor")[2].splitlines()[1:5]]
    assert rows == [
        ["shape", "0.400", "-"], ["hue", "0.200", "-"], ["latent_0", "-", "0.150"], ["latent_1", "-", "0.050"],
    ]  # fmt: skip
    # With roles swapped, the generator's factors are the labelled ones.
    generator |= {"mig_swapped": 0.35, "mig_swapped/gap/shape": 0.6, "mig_swapped/gap/hue": 0.1}
    text = to_text({**SCORES, "encoder": encoder, "generator": generator, "intervals": {}})
    assert "MIG-swapped                     -                         0.350\n" in text
    assert re.search("MIG per factor +encoder +generator, swapped +generator\n", text)
    rows = [line.split() for line in text.partition("MIG per factor")[2].splitlines()[1:5]]
    assert rows == [
        ["shape", "0.400", "0.600", "-"], ["hue", "0.200", "0.100", "-"],
        ["latent_0", "-", "-", "0.150"], ["latent_1", "-", "-", "0.050"],
    ]  # fmt: skip
