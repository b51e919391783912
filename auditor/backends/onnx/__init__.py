"""ONNX classifiers in onnxruntime."""

from auditor.backends.onnx.backend import OnnxBackend

__all__ = ["OnnxBackend"]
