"""What scores are called where people read them, and which way is better."""

from __future__ import annotations

TITLES = {
    "mig": "MIG",
    "l2": "L2",
    "factor_vae": "FactorVAE",
    "beta_vae": "BetaVAE",
    "dci": "DCI",
    "dci/completeness": "DCI completeness",
    "dci/informativeness": "DCI informativeness",
    "dci_histogram": "DCI-histogram",
    "dci_histogram/completeness": "DCI-histogram completeness",
    "dci_histogram/informativeness": "DCI-histogram informativeness",
    "sap": "SAP",
    "sap_continuous": "SAP-continuous",
    "modularity": "Modularity",
    "explicitness": "Explicitness",
    "irs": "IRS",
    "total_correlation": "Total correlation",
    "total_correlation/mutual_information": "Mutual information",
    "frechet_oracle": "Frechet (oracle)",
    "fid": "FID",
    "kid": "KID",
    "precision": "Precision",
    "recall": "Recall",
    "psnr": "PSNR",
    "ssim": "SSIM",
}
"""{key of a result: title}. A score of a generator has the same title and "-gen"."""

OF_IMAGES = {"frechet_oracle", "fid", "kid", "precision", "recall", "psnr", "ssim"}
"""Those of generated images against real ones; all others are of an encoder, or of a generator through the oracle."""

LOWER_IS_BETTER = {
    "l2",
    "total_correlation",
    "total_correlation/mutual_information",
    "frechet_oracle",
    "fid",
    "kid",
}
