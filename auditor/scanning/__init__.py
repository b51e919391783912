"""`auditor scan`: samples -> outcomes -> findings -> evidence -> audit."""
