"""ONNX classifiers in onnxruntime."""
