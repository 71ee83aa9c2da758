"""Labels in the forms in which people have them: found, read, and turned into one plain table.

`formats` reads files into rows of text, `image_names` finds the image that a name means, `columns` (with `numeric` and
`words`) decides what a column is, and `table` puts them together. `finding` looks for the file in the first place.
"""

from ssgan_tf.new.labels.columns import Reading
from ssgan_tf.new.labels.factor import Factor
from ssgan_tf.new.labels.table import LabelOptions, Labels, read_labels

__all__ = ["Factor", "LabelOptions", "Labels", "Reading", "read_labels"]
