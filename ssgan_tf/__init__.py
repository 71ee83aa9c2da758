"""Semi-StyleGAN for TensorFlow: semi-supervised disentanglement at high resolution.

Programs: `python -m ssgan_tf.train`, `python -m ssgan_tf.evaluate`, `python -m ssgan_tf.export`.
Importing the package itself imports nothing else: `ssgan_tf.editing` stays free of model code.
"""

__version__ = "0.1.0"
