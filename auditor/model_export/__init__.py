"""`auditor export`: Keras -> ONNX, float and int8, checked against its source."""
