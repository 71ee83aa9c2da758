"""Serves an export over HTTP, in the shape of TensorFlow Serving's REST interface: docs/serving.md.

    python -m ssgan_tf.serving --model=runs/demo/export --port=8501

    __main__ -> app (addresses, errors) -> parsing (question), batching (computing), answers
    door: every request and answer passes it; pictures: base64 PNG and JPEG; model: the SavedModel

Needs tensorflow, numpy, pillow, fastapi, uvicorn, orjson and `ssgan_tf.editing`; nothing else of the package.
"""
