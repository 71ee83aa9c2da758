"""Display titles of scores, and the scores for which lower is better."""

from __future__ import annotations

TITLES = {
    "mig": "MIG",
    "mig_swapped": "MIG-swapped",
    "l2": "L2",
    "exact_match": "All factors right",
    "factor_vae": "FactorVAE",
    "beta_vae": "BetaVAE",
    "dci": "DCI",
    "dci/completeness": "DCI completeness",
    "dci/informativeness": "DCI informativeness",
    "dci_histogram": "DCI-histogram",
    "dci_histogram/completeness": "DCI-histogram completeness",
    "dci_histogram/informativeness": "DCI-histogram informativeness",
    "dci_es": "DCI-ES explicitness",
    "dci_es/informativeness": "DCI-ES informativeness",
    "dci_es/size": "DCI-ES size",
    "infomec": "InfoM",
    "infomec/explicitness": "InfoE",
    "infomec/compactness": "InfoC",
    "sap": "SAP",
    "sap_continuous": "SAP-continuous",
    "modularity": "Modularity",
    "explicitness": "Explicitness",
    "irs": "IRS",
    "total_correlation": "Total correlation",
    "total_correlation/mutual_information": "Mutual information",
    "frechet_oracle": "Frechet (oracle)",
    "frechet_trunk": "Frechet (own trunk)",
    "fid": "FID",
    "kid": "KID",
    "precision": "Precision",
    "recall": "Recall",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "named_psnr": "PSNR to the named image",
    "sliders": "Slider correlation",
    "read_sliders": "Slider selectivity",
}
"""Title of each score, by its key. The generator's score has the same title followed by "-gen"."""

GENERATOR_SCORES = {"mig_swapped", "read_sliders"}
"""Scores that measure generators only."""

IMAGE_SCORES = {
    "frechet_oracle", "frechet_trunk", "fid", "kid", "precision", "recall", "psnr", "ssim", "named_psnr", "sliders"
}  # fmt: skip
"""Scores that compare generated with real images. The others measure an encoder, or a generator through the oracle."""

LOWER_IS_BETTER = {
    "l2",
    "total_correlation",
    "total_correlation/mutual_information",
    "frechet_oracle",
    "frechet_trunk",
    "fid",
    "kid",
}
"""Scores for which lower is better."""
