"""Semi-StyleGAN for TensorFlow: semi-supervised disentanglement at high resolution.

Programs: the command `ssgan`, whose verbs are `ssgan train`, `ssgan evaluate`, ...; `ssgan --help` lists them.
Importing the package itself imports nothing else: `ssgan_tf.editing` stays free of model code.
"""

import os

# TensorFlow reads these once, when it is first imported. What it would say at every start and for every new graph is
# harmless; what is wrong comes as an exception. 0 shows everything.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# By itself TensorFlow uses oneDNN only on CPUs with AVX-512, although it is faster on the others too (docs/speed.md).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"
