"""What `auditor export` prints."""

import json

from auditor.model_export.export import Export

_KINDS = {
    "float32": "float32",
    "fp16": "float32, weights stored as float16",
    "int8": "uint8 activations, 7-bit weights, head in float",
}


def as_text(done: Export) -> str:
    """The file, how it compares with its source, and on what that was measured."""
    lines = [
        f"{done.kind:<10}{_KINDS[done.kind]}, {done.size / 1e6:.1f} MB; made from {done.source} "
        f"({done.source_size / 1e6:.1f} MB)",
        f"{'parity':<10}{done.parity}",
        f"{'on':<10}{done.notes[0]}",
        *(f"note: {note}" for note in done.notes[1:]),
        str(done.file),
    ]
    return "\n".join(lines)


def as_json(done: Export) -> str:
    """The same for programs."""
    record = {
        "file": str(done.file),
        "kind": done.kind,
        "bytes": done.size,
        "sha256": done.sha256,
        "source": str(done.source),
        "source_bytes": done.source_size,
        "parity": done.parity.record(),
        "notes": list(done.notes),
    }
    return json.dumps(record, indent=2, ensure_ascii=False)
